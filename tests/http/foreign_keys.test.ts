// A key file belongs to one installation.
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { operatorKey, Store, thingward } from "./harness/binary.ts";

test("the keys of another installation are refused", async () => {
  const stores = [new Store(), new Store()] as const;
  try {
    for (const store of stores) await operatorKey(store);
    copyFileSync(join(stores[1].folder, "thingward.keys"), join(stores[0].folder, "foreign.keys"));
    const foreign = ["--key-file", join(stores[0].folder, "foreign.keys")];
    const ran = await thingward(["operator-key", ...stores[0].options, "--name", "b", ...foreign]);
    expect(ran.stderr).toMatch(/key file is not this installation's/);
    expect([ran.status, ran.stdout]).toEqual([1, ""]);
    await operatorKey(stores[0], "c");
  } finally {
    for (const store of stores) store.remove();
  }
});
