// What a test measured: said, and kept where THINGWARD_FIGURES names a file.
import { appendFileSync } from "node:fs";
import { ENGINE } from "./binary.ts";

export function figure(id: string, what: string, measured: string): void {
  console.log(`${id} ${what}: ${measured}`);
  const file = process.env["THINGWARD_FIGURES"];
  const engine = ENGINE === "sqlite" ? "SQLite" : "PostgreSQL";
  const line = { id, what: `${what} (${engine})`, measured };
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(line)}\n`);
}

/** Median, 99th percentile and most of some times, in milliseconds. */
export function spread(times: readonly number[]): string {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (q: number) => (sorted[Math.floor(q * (sorted.length - 1))] ?? 0).toFixed(0);
  return `median ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms of ${sorted.length}`;
}
