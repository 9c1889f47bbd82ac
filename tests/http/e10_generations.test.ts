// E10: what was issued before a revocation is dead, what is issued after it lives, whatever the
// second both happened in, on every node.
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Api, type Tenant } from "./harness/api.ts";
import { ENGINE, operatorKey, Store } from "./harness/binary.ts";
import { makeOrg, makeWorkspace } from "./harness/make.ts";
import {
  claimsOf, type Client, clientToken, type Issuer, issuerOf, makeMachineClient,
} from "./harness/oauth.ts";
import { finishAll, Server } from "./harness/server.ts";
import { until } from "./harness/until.ts";

/** How often; the soak has more. */
const COUNT = Number(process.env["THINGWARD_REVOCATIONS"] ?? 0) || 40;
const store = new Store();
const first = new Server({ store });
const nodes = [first];
let tenant: Tenant;
let issuers: Issuer[];
let client: Client;

beforeAll(async () => {
  const key = await operatorKey(store);
  first.operator = first.as(key);
  await first.start();
  // One name for all nodes, as behind a proxy: a token names its issuer.
  if (ENGINE === "postgres") {
    const second = new Server({ store, args: ["--base-url", first.url] });
    second.operator = second.as(key);
    await second.start();
    nodes.push(second);
  }
  tenant = await makeOrg(first, "sensor-workspace");
  const workspace = await makeWorkspace(tenant);
  issuers = [await issuerOf(first, tenant, workspace, "ingest:write")];
  for (const node of nodes.slice(1))
    issuers.push({ server: node, tenant, workspace, url: `${node.url}/w/${workspace.id}` });
  client = await makeMachineClient(issuers[0] as Issuer, "ingest:write");
});
afterAll(async () => {
  await finishAll(nodes).finally(() => store.remove());
});

function callWith(node: Server, token: string): Promise<number> {
  const api: Api = node.as(token);
  return api.request("GET", "/api/self").then((answer) => answer.status);
}

async function setState(state: string): Promise<void> {
  const path = `/api/workspaces/${(issuers[0] as Issuer).workspace.id}/clients/${client.id}`;
  const answer = await tenant.admin.request("PATCH", path, { state });
  expect(answer.status).toBe(200);
}

test("E10_generations: a token is on its side of a revocation in the same second", async () => {
  let together = 0;
  for (let round = 0; round < COUNT; round++) {
    const at = round % nodes.length;
    const before = (await clientToken(issuers[at] as Issuer, client)).access_token;
    for (const node of nodes) expect(await callWith(node, before)).toBe(200);
    await setState("suspended");
    await setState("active");
    for (const node of nodes) {
      await until("the end of what was issued before",
        async () => (await callWith(node, before)) === 401, 2_000);
    }
    const after = (await clientToken(issuers[at] as Issuer, client)).access_token;
    for (const node of nodes) {
      expect(await callWith(node, after)).toBe(200);
      expect(await callWith(node, before)).toBe(401);
    }
    if (claimsOf(before)["iat"] === claimsOf(after)["iat"]) together++;
  }
  expect(together).toBeGreaterThan(COUNT / 4);
}, 60_000 + COUNT * 500);
