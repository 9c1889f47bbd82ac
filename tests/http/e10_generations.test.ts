// E10: what was issued before a revocation is dead, what is issued after it lives, whatever the
// second both happened in, on every node.
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Api, revisionOf, type Tenant } from "./harness/api.ts";
import { ENGINE, operatorKey, Store } from "./harness/binary.ts";
import { makeOrg, makeWorkspace } from "./harness/make.ts";
import {
  claimsOf, type Client, clientToken, type Issuer, issuerOf, makeMachineClient,
} from "./harness/oauth.ts";
import { finishAll, Server } from "./harness/server.ts";

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

/** The revision at which it was done. */
async function setState(state: string): Promise<number> {
  const path = `/api/workspaces/${(issuers[0] as Issuer).workspace.id}/clients/${client.id}`;
  const answer = await tenant.admin.request("PATCH", path, { state });
  expect(answer.status).toBe(200);
  return revisionOf(answer);
}

/** A node that is behind issues what belongs before the revocation: here none is behind. */
async function demand(node: Server, revision: number): Promise<void> {
  const decision = await node.as(tenant.admin.secret).request("POST", "/access/v1/evaluation", {
    subject: { type: "application", id: client.id },
    action: { name: "iam:devices:read" },
    resource: { type: "organisation", id: tenant.org.id },
    context: { at_least: revision },
  });
  expect(decision.status).toBe(200);
}

test("E10_generations: a token is on its side of a revocation in the same second", async () => {
  let together = 0;
  for (let round = 0; round < COUNT; round++) {
    const at = issuers[round % nodes.length] as Issuer;
    const before = (await clientToken(at, client)).access_token;
    for (const node of nodes) expect(await callWith(node, before)).toBe(200);
    await setState("suspended");
    const revision = await setState("active");
    for (const node of nodes) await demand(node, revision);
    const after = (await clientToken(at, client)).access_token;
    for (const node of nodes) {
      expect(await callWith(node, after)).toBe(200);
      expect(await callWith(node, before)).toBe(401);
    }
    if (claimsOf(before)["iat"] === claimsOf(after)["iat"]) together++;
  }
  expect(together).toBeGreaterThan(COUNT / 4);
}, 60_000 + COUNT * 500);
