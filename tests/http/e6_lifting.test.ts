// What binds oneself: a guardrail that one wrote, a role that one holds.
import { expect, test } from "vitest";
import { expectForbidden, expectProblem } from "./harness/api.ts";
import { makeCaller, makeWorkshop, RUN, STOP } from "./harness/giving.ts";
import { give, makeMachine, makeRole, orgNode, unique } from "./harness/make.ts";
import { useServer } from "./harness/server.ts";

const server = useServer();

test("E6_lifting: an owner lifts even the guardrail that binds him", async () => {
  const shop = await makeWorkshop(server);
  const rail = await shop.admin.post<{ id: string }>(`${shop.path}/guardrails`, {
    name: unique("rail"), node: orgNode(shop), permissions: ["iam:records:read"],
  });
  expectForbidden(await shop.admin.request("GET", `${shop.path}/records`), "iam:records:read");
  const able = await makeCaller(shop, shop.usual);
  expectForbidden(await able.api.request("DELETE", `${shop.path}/guardrails/${rail.id}`),
    "iam:records:read", "may-not-give");
  await shop.admin.delete(`${shop.path}/guardrails/${rail.id}`);
  expect((await shop.admin.request("GET", `${shop.path}/records`)).status).toBe(200);
});

test("E6_lifting: nobody else lifts what binds himself", async () => {
  const shop = await makeWorkshop(server);
  const bound = await makeCaller(shop, [...shop.usual, STOP]);
  const rail = await shop.admin.post<{ id: string }>(`${shop.path}/guardrails`, {
    name: unique("rail"), node: orgNode(shop), kinds: ["service_account"], permissions: [STOP],
  });
  expectForbidden(await bound.api.request("DELETE", `${shop.path}/guardrails/${rail.id}`),
    STOP, "may-not-give");
});

test("E6_lifting: a guardrail that nobody could lift is refused", async () => {
  const shop = await makeWorkshop(server);
  expectProblem(await shop.admin.request("POST", `${shop.path}/guardrails`, {
    name: unique("rail"), node: orgNode(shop), permissions: ["iam:guardrails:delete"],
  }), 409, "guardrail-stays-removable");
});

test("E6_role: what a role gave and now exercises is a gift to its holders", async () => {
  const shop = await makeWorkshop(server);
  const role = await makeRole(shop, [RUN], {
    gives: [RUN, STOP], kinds: ["service_account", "member"],
  });
  const giver = await makeCaller(shop, shop.usual);
  await give(shop, giver.principal, role.name, orgNode(shop));
  const wider = {
    name: role.name, kinds: role.kinds, exercises: [RUN, STOP], gives: [RUN, STOP],
  };
  expectForbidden(await giver.api.request("PUT", `${shop.path}/roles/${role.id}`, wider),
    STOP, "may-not-give");
  await shop.admin.put(`${shop.path}/roles/${role.id}`, wider);
});

test("E6_lifting: an owner under a ceiling of his own is not above it", async () => {
  const shop = await makeWorkshop(server);
  const second = await makeMachine(shop, "service-accounts", { roles: ["owner"] });
  await shop.admin.put(`${shop.path}/principals/${second.principal.id}/ceiling`,
    { ceiling: { except: [STOP] } });
  const rail = await shop.admin.post<{ id: string }>(`${shop.path}/guardrails`, {
    name: unique("rail"), node: orgNode(shop), kinds: ["member"], permissions: [STOP],
  });
  expectForbidden(
    await shop.as(second.secret).request("DELETE", `${shop.path}/guardrails/${rail.id}`),
    STOP, "may-not-give");
});
