// The program whose calls of libraries fail when a test says so (tests/faults).
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync, writeSync }
  from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { THINGWARD } from "./binary.ts";

/** In the order of tests/faults/faults.c. */
export const KINDS = ["memory", "crypto", "store", "disk"] as const;
export type Kind = (typeof KINDS)[number];

export class Faults {
  readonly program = join(dirname(THINGWARD), "../../tests/faults/thingward_faulty");
  private readonly folder = mkdtempSync(join(tmpdir(), "thingward-faults-"));
  private readonly path = join(this.folder, "faults");
  private readonly fd: number;

  constructor() {
    writeFileSync(this.path, Buffer.alloc(8 * KINDS.length));
    this.fd = openSync(this.path, "r+");
  }

  get env(): Record<string, string> {
    return { THINGWARD_FAULTS: this.path };
  }

  private write(at: number, value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    writeSync(this.fd, bytes, 0, 4, 4 * at);
  }

  /** The n-th call of that kind from now on fails; with "all", each. */
  arm(kind: Kind, n: number | "all"): void {
    const at = KINDS.indexOf(kind);
    this.write(KINDS.length + at, 0);
    this.write(at, n === "all" ? -1 : n);
  }

  /** Nothing fails any more; whether something has. */
  disarm(kind: Kind): boolean {
    const at = KINDS.indexOf(kind);
    this.write(at, 0);
    const bytes = Buffer.alloc(4);
    readSync(this.fd, bytes, 0, 4, 4 * (KINDS.length + at));
    return bytes.readInt32LE() !== 0;
  }

  remove(): void {
    closeSync(this.fd);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
