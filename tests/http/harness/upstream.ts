// Providers that people come from: a real one, and one that says whatever a test wants it to.
import { createHash } from "node:crypto";
import {
  createServer, type IncomingMessage, type Server as Http, type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import Provider, { type Configuration } from "oidc-provider";
import type { Tenant } from "./api.ts";
import { Browser, type Page } from "./browser.ts";
import { type Planted, type PlantedProvider, plantProvider } from "./planted_provider.ts";
import type { Server } from "./server.ts";

/** For servers that may ask providers on this machine. */
export const OUTBOUND = ["--outbound-private", "127.0.0.0/8"] as const;

export interface Account {
  sub: string;
  email?: string;
  email_verified?: boolean | string;
  name?: string;
  groups?: string[];
}

abstract class Listening {
  protected http: Http | undefined;

  get issuer(): string {
    return `http://127.0.0.1:${(this.http?.address() as AddressInfo).port}`;
  }

  protected listen(answer: (request: IncomingMessage, response: ServerResponse) => void) {
    this.http = createServer(answer);
    return new Promise<void>((done) => this.http?.listen(0, "127.0.0.1", () => done()));
  }

  stop(): Promise<void> {
    return new Promise((done) => {
      this.http?.close(() => done());
      this.http?.closeAllConnections();
    });
  }
}

async function keyOf(alg: string, kid: string): Promise<{ secret: CryptoKey; jwk: JWK }> {
  const pair = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(pair.privateKey)), alg, kid, use: "sig" };
  return { secret: pair.privateKey, jwk };
}

/** The provider of the field, at which everybody is signed in at once as `account`. */
export class Upstream extends Listening {
  account: Account = { sub: "nobody" };
  readonly clientId = "thingward";
  readonly clientSecret = "a secret: with & characters / of + its own";
  private provider: Provider | undefined;
  private keys = 0;

  constructor(private readonly more: Configuration = {}, private readonly alg = "RS256") {
    super();
  }

  async start(redirect: string): Promise<void> {
    await this.listen((request, response) => void this.answer(request, response));
    await this.rotate(redirect);
  }

  /** From now on other keys, of other names, and none of those before. */
  async rotate(redirect: string): Promise<void> {
    const { jwk } = await keyOf(this.alg, `key ${++this.keys}`);
    const provider = new Provider(this.issuer, {
      clients: [{
        client_id: this.clientId,
        client_secret: this.clientSecret,
        redirect_uris: [redirect],
        id_token_signed_response_alg: this.alg as "RS256",
        token_endpoint_auth_method: "client_secret_basic",
      }],
      claims: { email: ["email", "email_verified"], profile: ["name"], groups: ["groups"] },
      scopes: ["openid", "email", "profile", "groups"],
      pkce: { required: () => true },
      features: { devInteractions: { enabled: false } },
      interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
      findAccount: (_, sub) => ({
        accountId: sub, claims: () => Promise.resolve({ ...this.account, sub }),
      }),
      cookies: { keys: ["a key of cookies"] },
      jwks: { keys: [jwk as never] },
      enabledJWA: { idTokenSigningAlgValues: [this.alg as "RS256"] },
      ...this.more,
    });
    provider.on("server_error", (_, error) => { throw error; });
    this.provider = provider;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const provider = this.provider;
    if (!provider) throw new Error("the provider is not ready");
    if (!request.url?.startsWith("/interaction/")) {
      await provider.callback()(request, response);
      return;
    }
    const { prompt, params, grantId } = await provider.interactionDetails(request, response);
    const grant = grantId === undefined
      ? new provider.Grant({ accountId: this.account.sub, clientId: this.clientId })
      : await provider.Grant.find(grantId);
    grant?.addOIDCScope(String(params["scope"]));
    await provider.interactionFinished(request, response, prompt.name === "login"
      ? { login: { accountId: this.account.sub, remember: false } }
      : { consent: { grantId: (await grant?.save()) ?? "" } });
  }

  /** What a browser does there, until it is sent back. */
  async visit(to: URL): Promise<URL> {
    const cookies = new Map<string, string>();
    let at = to;
    for (let hops = 0; hops < 20 && at.origin === this.issuer; hops++) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
      const response = await fetch(at, { redirect: "manual", headers: { cookie } });
      for (const line of response.headers.getSetCookie()) {
        const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        cookies.set(name, value);
      }
      const location = response.headers.get("location");
      if (location === null)
        throw new Error(`${at.href}: ${response.status} ${await response.text()}`);
      at = new URL(location, at);
    }
    return at;
  }

  planted(server: Server, tenant: Tenant, draft: Partial<PlantedProvider> = {}): Planted {
    return plantProvider(server.store, tenant, {
      issuer: this.issuer, client_id: this.clientId, client_secret: this.clientSecret, ...draft,
    });
  }

  /** Signs in by it as somebody; where that leads. */
  async signIn(
    browser: Browser, provider: Planted, account: Account, ticket = "",
  ): Promise<Page> {
    this.account = account;
    const away = await browser.open(
      `/sign-in/provider?provider=${provider.reference}&ticket=${ticket}`);
    if (away.url.origin !== this.issuer) return away;
    return browser.open(await this.visit(away.url));
  }
}

/** OpenID Connect Core section 3.1.3.6; the hash of EdDSA on Ed25519 is SHA-512. */
export function halfHash(token: string, hash: "sha256" | "sha512"): string {
  const digest = createHash(hash).update(token).digest();
  return digest.subarray(0, digest.length / 2).toString("base64url");
}

export type Json = Record<string, unknown>;

/** What a provider answers, as it should; a test changes some of it. */
export interface Lies {
  metadata?: (metadata: Json) => Json;
  header?: (header: Json) => Json;
  claims?: (claims: Json) => Json;
  token?: (answer: Json) => Json;
  userinfo?: (claims: Json) => Json;
  /** In place of any answer, by the path that is asked for. */
  answer?: Record<string, (response: ServerResponse) => void>;
}

/** One that answers by hand. */
export class Liar extends Listening {
  lies: Lies = {};
  account: Account = { sub: "liar" };
  readonly asked: string[] = [];
  /** What came to its token endpoint. */
  redeemed: { form: URLSearchParams; authorization: string | undefined } | undefined;
  private key: { secret: CryptoKey; jwk: JWK } | undefined;
  private kid = 0;
  private nonce = "";

  constructor(private readonly alg = "ES256") {
    super();
  }

  async start(): Promise<void> {
    await this.rotate();
    await this.listen((request, response) => void this.answer(request, response));
  }

  async rotate(): Promise<void> {
    this.key = await keyOf(this.alg, `key ${++this.kid}`);
  }

  private json(response: ServerResponse, body: unknown): void {
    response.writeHead(200, { "content-type": "application/json", connection: "close" })
      .end(typeof body === "string" ? body : JSON.stringify(body));
  }

  private metadata(): Json {
    const metadata: Json = {
      issuer: this.issuer,
      authorization_endpoint: `${this.issuer}/authorize`,
      token_endpoint: `${this.issuer}/token`,
      userinfo_endpoint: `${this.issuer}/userinfo`,
      jwks_uri: `${this.issuer}/jwks`,
    };
    return this.lies.metadata?.(metadata) ?? metadata;
  }

  private async idToken(access: string): Promise<string> {
    const key = this.key;
    if (!key) throw new Error("no key");
    const now = Math.floor(Date.now() / 1000);
    const claims: Json = {
      iss: this.issuer, aud: "client", exp: now + 300, iat: now, nonce: this.nonce,
      at_hash: halfHash(access, this.alg === "EdDSA" ? "sha512" : "sha256"),
      ...this.account,
    };
    const header: Json = { alg: this.alg, kid: key.jwk.kid };
    const told = this.lies.claims?.(claims) ?? claims;
    const head = this.lies.header?.(header) ?? header;
    if (head["alg"] === "none") {
      const part = (json: Json): string => Buffer.from(JSON.stringify(json)).toString("base64url");
      return `${part(head)}.${part(told)}.`;
    }
    const shared = Buffer.from("the secret of the client, which is shared");
    const secret = head["alg"] === "HS256" ? shared : key.secret;
    return new SignJWT(told).setProtectedHeader(head as { alg: string }).sign(secret);
  }

  private async token(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += String(chunk);
    this.redeemed = {
      form: new URLSearchParams(body), authorization: request.headers.authorization,
    };
    const answer: Json = {
      access_token: "an access token", token_type: "Bearer",
      id_token: await this.idToken("an access token"),
    };
    this.json(response, this.lies.token?.(answer) ?? answer);
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? "/", this.issuer).pathname;
    this.asked.push(path);
    const instead = this.lies.answer?.[path];
    if (instead) instead(response);
    else if (path === "/token") await this.token(request, response);
    else if (path === "/jwks") {
      const { kty, crv, x, y, n, e, alg, kid, use } = this.key?.jwk ?? {};
      this.json(response, { keys: [{ kty, crv, x, y, n, e, alg, kid, use }] });
    } else if (path === "/userinfo")
      this.json(response, this.lies.userinfo?.({ ...this.account }) ?? this.account);
    else this.json(response, this.metadata());
  }

  planted(server: Server, tenant: Tenant, draft: Partial<PlantedProvider> = {}): Planted {
    return plantProvider(server.store, tenant, {
      issuer: this.issuer, client_id: "client", sign_up: true, ...draft,
    });
  }

  /** Off to it, and back at once; what it was told is changed by the test. */
  async signIn(
    browser: Browser, provider: Planted, back: (parameters: URLSearchParams) => void = () => {},
  ): Promise<Page> {
    const away = await browser.open(`/sign-in/provider?provider=${provider.reference}`);
    if (away.url.origin !== this.issuer) return away;
    const asked = away.url.searchParams;
    this.nonce = asked.get("nonce") ?? "";
    const parameters = new URLSearchParams({ code: "a code", state: asked.get("state") ?? "" });
    back(parameters);
    return browser.open(`/sign-in/provider/callback?${parameters}`);
  }
}
