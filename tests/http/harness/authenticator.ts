// An authenticator in software: what WebAuthn level 3 has a browser and a security key say, as the
// pages' script sends it. It does as it is told, also what no browser would.
import {
  createHash, generateKeyPairSync, type KeyObject, randomBytes, sign,
} from "node:crypto";

export type Algorithm = -7 | -8 | -257;

export interface Options {
  challenge: string;
  rpId?: string;
  rp?: { id: string; name: string };
  user?: { id: string; name: string; displayName: string };
  userVerification?: string;
  allowCredentials?: { type: string; id: string }[];
  excludeCredentials?: { type: string; id: string }[];
  pubKeyCredParams?: { type: string; alg: number }[];
}

/** What is said otherwise than the truth. */
export interface Lies {
  origin?: string;
  rpId?: string;
  challenge?: string;
  type?: string;
  userHandle?: string | undefined;
  verified?: boolean;
  present?: boolean;
  count?: number;
  credential?: string;
}

type Cbor = number | string | Buffer | Map<Cbor, Cbor>;

function head(type: number, count: number): Buffer {
  if (count < 24) return Buffer.from([(type << 5) | count]);
  if (count < 256) return Buffer.from([(type << 5) | 24, count]);
  return Buffer.from([(type << 5) | 25, count >> 8, count & 255]);
}

function cbor(value: Cbor): Buffer {
  if (typeof value === "number") return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === "string")
    return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value]);
  const members = [...value].flatMap(([name, member]) => [cbor(name), cbor(member)]);
  return Buffer.concat([head(5, value.size), ...members]);
}

const sha256 = (data: Buffer | string): Buffer => createHash("sha256").update(data).digest();

function newKey(alg: Algorithm): { publicKey: KeyObject; privateKey: KeyObject } {
  if (alg === -7) return generateKeyPairSync("ec", { namedCurve: "P-256" });
  if (alg === -8) return generateKeyPairSync("ed25519");
  return generateKeyPairSync("rsa", { modulusLength: 2048 });
}

function coseKey(alg: Algorithm, key: KeyObject): Buffer {
  const jwk = key.export({ format: "jwk" });
  const bytes = (text: string | undefined): Buffer => Buffer.from(text ?? "", "base64url");
  if (alg === -7)
    return cbor(new Map<Cbor, Cbor>(
      [[1, 2], [3, -7], [-1, 1], [-2, bytes(jwk.x)], [-3, bytes(jwk.y)]]));
  if (alg === -8)
    return cbor(new Map<Cbor, Cbor>([[1, 1], [3, -8], [-1, 6], [-2, bytes(jwk.x)]]));
  return cbor(new Map<Cbor, Cbor>([[1, 3], [3, -257], [-1, bytes(jwk.n)], [-2, bytes(jwk.e)]]));
}

interface Credential {
  id: string;
  alg: Algorithm;
  privateKey: KeyObject;
  userHandle: string;
}

export class Authenticator {
  /** Signatures counted so far; undefined: it does not count. */
  count: number | undefined;
  readonly credentials: Credential[] = [];

  constructor(private readonly origin: string, private readonly alg: Algorithm = -7) {}

  /** A new passkey, unattested; the answer as JSON. */
  create(options: Options, lies: Lies = {}): string {
    const { publicKey, privateKey } = newKey(this.alg);
    const id = randomBytes(32);
    const size = Buffer.from([0, id.length]);
    const data = Buffer.concat([
      this.data(lies.rpId ?? options.rp?.id ?? "", 0x40, lies),
      Buffer.alloc(16), size, id, coseKey(this.alg, publicKey),
    ]);
    const attestation = new Map<Cbor, Cbor>([
      ["fmt", "none"], ["attStmt", new Map<Cbor, Cbor>()], ["authData", data],
    ]);
    this.credentials.push({
      id: id.toString("base64url"), alg: this.alg, privateKey, userHandle: options.user?.id ?? "",
    });
    return answer(lies.credential ?? id.toString("base64url"), {
      clientDataJSON: this.clientData("webauthn.create", options, lies),
      attestationObject: cbor(attestation),
    });
  }

  /** An answer by the newest passkey, or by the newest of those that are asked for. */
  get(options: Options, lies: Lies = {}): string {
    const wanted = options.allowCredentials ?? [];
    const credential = this.credentials
      .filter((one) => wanted.length === 0 || wanted.some((known) => known.id === one.id)).at(-1);
    if (!credential) throw new Error("no passkey for these options");
    if (this.count !== undefined) this.count++;
    const data = this.data(lies.rpId ?? options.rpId ?? "", 0, lies);
    const clientDataJSON = this.clientData("webauthn.get", options, lies);
    const signed = Buffer.concat([data, sha256(clientDataJSON)]);
    const signature = sign(credential.alg === -8 ? null : "sha256", signed, credential.privateKey);
    const handle = "userHandle" in lies ? lies.userHandle : credential.userHandle;
    return answer(lies.credential ?? credential.id, {
      clientDataJSON,
      authenticatorData: data,
      signature,
      ...(handle === undefined ? {} : { userHandle: Buffer.from(handle, "base64url") }),
    });
  }

  private data(rpId: string, flags: number, lies: Lies): Buffer {
    const present = lies.present === false ? 0 : 1;
    const verified = lies.verified === false ? 0 : 4;
    const count = Buffer.alloc(4);
    count.writeUInt32BE(lies.count ?? this.count ?? 0);
    return Buffer.concat([sha256(rpId), Buffer.from([present | verified | flags]), count]);
  }

  private clientData(type: string, options: Options, lies: Lies): Buffer {
    return Buffer.from(JSON.stringify({
      type: lies.type ?? type,
      challenge: lies.challenge ?? options.challenge,
      origin: lies.origin ?? this.origin,
      crossOrigin: false,
    }));
  }
}

function answer(id: string, response: Record<string, Buffer>): string {
  const texts = Object.fromEntries(
    Object.entries(response).map(([name, bytes]) => [name, bytes.toString("base64url")]));
  return JSON.stringify({ id, rawId: id, type: "public-key", response: texts });
}
