// Authorization requests: what is refused, where that is told, and to whom.
import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import {
  authorize, BACK, expectError, expectPage, expectSentTo, type Parameters, request, visit,
} from "./harness/authorize.ts";
import {
  discover, type Issuer, makeConfidentialClient, makeIssuer, makeMachineClient, makePublicClient,
} from "./harness/oauth.ts";
import { useServer } from "./harness/server.ts";
import type { Principal } from "./harness/types.ts";

const server = useServer();
let issuer: Issuer;
let app: Principal;

beforeAll(async () => {
  issuer = await makeIssuer(server, "ingest:write");
  app = await makePublicClient(issuer);
});

const send = (more: Parameters = {}) => authorize(issuer.url, request(app.id, more));

describe("RFC6749-3.1.2.4 nobody is sent where no client is registered", () => {
  const never: [string, () => Parameters][] = [
    ["no client_id", () => ({ client_id: undefined })],
    ["an empty client_id", () => ({ client_id: "" })],
    ["a client_id that is none", () => ({ client_id: "app" })],
    ["a client that nobody knows", () => ({ client_id: randomUUID() })],
    ["no redirect_uri beside openid", () => ({ redirect_uri: undefined, scope: "openid" })],
    ["another address", () => ({ redirect_uri: "https://evil.example/" })],
    ["an address below", () => ({ redirect_uri: `${BACK}/x` })],
    ["an address that begins the same", () => ({ redirect_uri: `${BACK}.evil.example` })],
    ["a host before an @", () => ({ redirect_uri: "https://app.example.org@evil.example/back" })],
    ["a backslash", () => ({ redirect_uri: "https://app.example.org\\@evil.example/back" })],
    ["an escape", () => ({ redirect_uri: "https://app.example.org%2Fback" })],
    ["a fragment", () => ({ redirect_uri: `${BACK}#x` })],
    ["a query", () => ({ redirect_uri: `${BACK}?x` })],
    ["another port", () => ({ redirect_uri: "https://app.example.org:444/back" })],
    ["another scheme", () => ({ redirect_uri: "http://app.example.org/back" })],
    ["a script", () => ({ redirect_uri: "javascript:alert(1)" })],
    ["no scheme", () => ({ redirect_uri: "//app.example.org/back" })],
    ["a line end", () => ({ redirect_uri: `${BACK}\r\nSet-Cookie: a=b` })],
    ["upper case", () => ({ redirect_uri: "https://APP.example.org/back" })],
  ];
  test.each(never)("%s", async (_, more) => {
    expectPage(await send(more()));
  });

  test("a parameter that says who or where, twice", async () => {
    for (const name of ["client_id", "redirect_uri"]) {
      const parameters = request(app.id);
      const twice = parameters.filter(([each]) => each === name);
      expectPage(await authorize(issuer.url, [...parameters, ...twice]));
    }
  });

  test("a client of another workspace, of client credentials, suspended, or gone", async () => {
    const other = await makePublicClient(await makeIssuer(server));
    expectPage(await authorize(issuer.url, request(other.id)));
    const machine = await makeMachineClient(issuer);
    expectPage(await authorize(issuer.url, request(machine.id)));
    const clients = `/api/workspaces/${issuer.workspace.id}/clients`;
    const gone = await makePublicClient(issuer);
    expectSentTo(await authorize(issuer.url, request(gone.id)), issuer.url, "sign-in", "login");
    await issuer.tenant.admin.patch(`${clients}/${gone.id}`, { state: "suspended" });
    expectPage(await authorize(issuer.url, request(gone.id)));
    await issuer.tenant.admin.patch(`${clients}/${gone.id}`, { state: "active" });
    await issuer.tenant.admin.delete(`${clients}/${gone.id}`);
    expectPage(await authorize(issuer.url, request(gone.id)));
  });

  test("what cannot be read at all, and more than may be sent back", async () => {
    for (const end of ["&x=%00", "&x=%ff", "&x=%zz"])
      expectPage(await authorize(issuer.url, `${new URLSearchParams(request(app.id))}${end}`,
        { post: true }));
    const many = Array.from({ length: 65 }, (_, i): [string, string] => [`x${i}`, ""]);
    expectPage(await authorize(issuer.url, [...request(app.id), ...many]));
    expectPage(await authorize(issuer.url, request(app.id, { state: "x".repeat(2049) }),
      { post: true }));
  });
});

describe("RFC6749-4.1.2.1 all else is told to the client", () => {
  const errors: [string, Parameters, string][] = [
    ["RFC6749-3.1.1 no response_type", { response_type: undefined }, "invalid_request"],
    ["RFC9700-2.1.2 the implicit grant", { response_type: "token" },
      "unsupported_response_type"],
    ["RFC6749-3.1.1 a hybrid flow", { response_type: "code id_token" },
      "unsupported_response_type"],
    ["RFC6749-3.3 a scope that can be none", { scope: 'a"b' }, "invalid_scope"],
    ["a response_mode", { response_mode: "fragment" }, "invalid_request"],
    ["OIDC-Core-6.1 a request", { request: "eyJ" }, "request_not_supported"],
    ["OIDC-Core-6.2 a request_uri", { request_uri: "https://a.example" },
      "request_uri_not_supported"],
    ["OIDC-Core-7.2.1 a registration", { registration: "{}" }, "registration_not_supported"],
    ["OIDC-Core-3.1.2.1 prompt none beside another", { prompt: "none login" }, "invalid_request"],
    ["OIDC-Core-3.1.2.1 a max_age that is none", { max_age: "-1" }, "invalid_request"],
    ["OIDC-Core-5.5 claims that are no JSON", { claims: "{" }, "invalid_request"],
    ["OIDC-Core-3.1.2.2 an id_token_hint that is none", { id_token_hint: "a.b.c" },
      "invalid_request"],
    ["RFC8707-2 a resource that is no address", { resource: "api" }, "invalid_target"],
    ["RFC8707-2 a resource with a fragment", { resource: "https://a.example/#x" },
      "invalid_target"],
    ["RFC7636-4.4.1 no challenge", { code_challenge: undefined, code_challenge_method: undefined },
      "invalid_request"],
    ["RFC7636-4.3 no method, which is plain", { code_challenge_method: undefined },
      "invalid_request"],
    ["RFC7636-4.4.1 plain", { code_challenge_method: "plain" }, "invalid_request"],
    ["RFC7636-4.2 a challenge that is none", { code_challenge: "short" }, "invalid_request"],
  ];
  test.each(errors)("%s", async (_, more, error) => {
    expectError(await send(more), issuer.url, error);
  });

  test("RFC6749-3.1 a parameter twice", async () => {
    for (const name of ["response_type", "scope", "code_challenge", "unknown", "nonce"])
      expectError(await authorize(issuer.url,
        [...request(app.id), [name, "a"], [name, "b"]]), issuer.url, "invalid_request");
    // Which state was meant cannot be known.
    const twice = await authorize(issuer.url, [...request(app.id), ["state", "other"]]);
    expect(twice.location?.searchParams.get("error")).toBe("invalid_request");
    expect(twice.location?.searchParams.has("state")).toBe(false);
    expectError(await authorize(issuer.url,
      [...request(app.id), ["resource", "urn:a"], ["resource", "urn:b"]]), issuer.url,
    "invalid_target");
  });

  test("more than a ticket can hold", async () => {
    expectError(await send({ scope: "s".repeat(2400) }), issuer.url, "invalid_request");
    expectError(await authorize(issuer.url, request(app.id, { nonce: "n".repeat(60_000) }),
      { post: true }), issuer.url, "invalid_request");
  });
});

test("RFC6749-3.1 what is unknown is ignored, and what is empty was left out", async () => {
  const good: Parameters[] = [
    { unknown: "x", display: "page", ui_locales: "xx de", audience: "y" },
    { scope: "", nonce: "", prompt: "", max_age: "", claims: "", request: "", resource: "" },
    { prompt: "later", acr_values: "gold" },
  ];
  for (const more of good) expectSentTo(await send(more), issuer.url, "sign-in", "login");
});

test("RFC6749-3.1 GET and POST, and no other method", async () => {
  const posted = await authorize(issuer.url, request(app.id), { post: true });
  expectSentTo(posted, issuer.url, "sign-in", "login");
  expectError(await authorize(issuer.url, request(app.id, { response_type: "x" }), { post: true }),
    issuer.url, "unsupported_response_type");
  const response = await fetch(`${issuer.url}/authorize`, { method: "PUT" });
  expect(response.headers.get("allow")).toBe("GET, POST");
  const json = await fetch(`${issuer.url}/authorize`, {
    method: "POST", headers: { "content-type": "application/json" }, body: "{}",
  });
  expect(json.status).toBe(400);
});

test("RFC6749-4.1.2.1 state comes back byte for byte, with errors as well", async () => {
  const states = ["a b+c&d=e%25", "\u00e9\u4e2d\u{1f600}", "\"'<>\\", "\r\n\t", "=", " "];
  for (const state of states) {
    for (const more of [{ response_type: "x" }, { prompt: "none" }]) {
      const answer = await send({ state, ...more });
      expect(answer.location?.searchParams.get("state")).toBe(state);
    }
  }
  expectError(await send({ state: undefined, prompt: "none" }), issuer.url, "login_required",
    null);
});

test("RFC9207-2 every answer names its issuer, as the metadata say", async () => {
  const metadata = await discover(issuer);
  expect(metadata.authorization_response_iss_parameter_supported).toBe(true);
  expect(metadata).toMatchObject({
    authorization_endpoint: `${issuer.url}/authorize`, response_types_supported: ["code"],
    response_modes_supported: ["query", "form_post"], code_challenge_methods_supported: ["S256"],
    request_parameter_supported: false, request_uri_parameter_supported: false,
    claims_parameter_supported: true, end_session_endpoint: `${issuer.url}/logout`,
    backchannel_logout_supported: true, backchannel_logout_session_supported: true,
  });
  const answer = await send({ prompt: "none" });
  expect(answer.location?.searchParams.get("iss")).toBe(metadata.issuer);
});

test("RFC6749-3.1.2 a query that is registered stays, and is added to", async () => {
  const back = "https://app.example.org/back?tenant=a%20b";
  const client = await makePublicClient(issuer, { redirect_uris: [back] });
  expectError(await authorize(issuer.url,
    request(client.id, { redirect_uri: back, response_type: "x" })), issuer.url,
  "unsupported_response_type", "a state", back);
});

test("RFC6749-3.1.2.3 the only address need not be named; one of several has to be", async () => {
  const parameters = (id: string): [string, string][] =>
    request(id, { redirect_uri: undefined, response_type: "x" });
  expectError(await authorize(issuer.url, parameters(app.id)), issuer.url,
    "unsupported_response_type");
  const several = await makePublicClient(issuer, { redirect_uris: [BACK, `${BACK}/2`] });
  expectPage(await authorize(issuer.url, parameters(several.id)));
  expectError(await authorize(issuer.url,
    request(several.id, { redirect_uri: `${BACK}/2`, response_type: "x" })), issuer.url,
  "unsupported_response_type", "a state", `${BACK}/2`);
});

test("RFC8252-7.3 on the user's own machine the port is free, and nothing else", async () => {
  const client = await makePublicClient(issuer,
    { redirect_uris: ["http://127.0.0.1/cb", "http://[::1]/cb"] });
  const to = (redirect_uri: string): Parameters => ({ redirect_uri, response_type: "x" });
  for (const back of ["http://127.0.0.1/cb", "http://127.0.0.1:49152/cb", "http://[::1]:1/cb"])
    expectError(await authorize(issuer.url, request(client.id, to(back))), issuer.url,
      "unsupported_response_type", "a state", back);
  for (const back of ["http://localhost:1/cb", "http://127.0.0.1:1/cb/x", "https://127.0.0.1/cb",
    "http://127.0.0.1:1@evil.example/cb", "http://127.0.0.2/cb", "http://127.0.0.1:/cb",
    "http://127.0.0.1:80a/cb", "http://127.0.0.1.evil.example/cb"])
    expectPage(await authorize(issuer.url, request(client.id, to(back))));
});

test("RFC8252-7.1 a scheme of one's own", async () => {
  const back = "com.example.app:/cb";
  const client = await makePublicClient(issuer, { redirect_uris: [back] });
  const answer = await authorize(issuer.url,
    request(client.id, { redirect_uri: back, prompt: "none" }));
  expect(answer.location?.href).toMatch(/^com\.example\.app:\/cb\?error=login_required&/);
  const posted = await authorize(issuer.url,
    request(client.id, { redirect_uri: back, response_mode: "form_post" }));
  expect(posted.location?.searchParams.get("error")).toBe("invalid_request");
});

test("RFC7636-4.4.1 PKCE may be left out by a secret's holder that is let", async () => {
  const none: Parameters = { code_challenge: undefined, code_challenge_method: undefined };
  const strict = await makeConfidentialClient(issuer);
  expectError(await authorize(issuer.url, request(strict.id, none)), issuer.url,
    "invalid_request");
  const lax = await makeConfidentialClient(issuer, { require_pkce: false });
  expectSentTo(await authorize(issuer.url, request(lax.id, none)), issuer.url, "sign-in", "login");
  expectError(await authorize(issuer.url, request(lax.id, { code_challenge_method: undefined })),
    issuer.url, "invalid_request");
});

test("OIDC-Core-3.1.2.6 prompt none, and nobody is signed in", async () => {
  expectError(await send({ prompt: "none" }), issuer.url, "login_required");
  expectError(await send({ prompt: "none", scope: "openid" }), issuer.url, "login_required");
  expectError(await authorize(issuer.url, request(app.id, { prompt: "none" }), { post: true }),
    issuer.url, "login_required");
});

test("OAuth-FormPost-2 errors are posted as well, to where the policy lets them", async () => {
  const answer = await send({ response_mode: "form_post", prompt: "none" });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-security-policy"))
    .toMatch(/form-action 'self' https:\/\/app\.example\.org$/);
  expect(answer.html).toContain(`<form method="post" action="${BACK}"`);
  for (const [name, value] of [["error", "login_required"], ["state", "a state"],
    ["iss", issuer.url]])
    expect(answer.html).toContain(`<input type="hidden" name="${name}" value="${value}">`);
  const hostile = await send({ response_mode: "form_post", prompt: "none", state: '"><script>' });
  expect(hostile.html).not.toContain('"><script>');
  expect(hostile.html).toContain("&quot;&gt;&lt;script&gt;");
});

test("RFC6749-10.13 an error page is not framed, runs nothing, shows nothing sent", async () => {
  const answer = await authorize(issuer.url, "client_id=<script>&state=<b>&redirect_uri=x");
  expectPage(answer);
  expect(answer.html).not.toMatch(/<script|<b>/);
  const policy = answer.headers.get("content-security-policy") ?? "";
  for (const part of ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"])
    expect(policy).toContain(part);
  expect(answer.headers.get("x-frame-options")).toBe("DENY");
  expect(answer.headers.get("referrer-policy")).toBe("same-origin");
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
});

test("a ticket is its issuer's, untouched, and asks for a sign-in in every browser", async () => {
  const ticket = expectSentTo(await send(), issuer.url, "sign-in", "login");
  const resume = (base: string, text: string) =>
    visit(`${base}/authorize/resume?ticket=${encodeURIComponent(text)}`);
  expectSentTo(await resume(issuer.url, ticket), issuer.url, "sign-in", "login");
  const other = await makeIssuer(server);
  for (const base of [other.url, server.url]) expectPage(await resume(base, ticket));
  const at = Math.floor(ticket.length / 2);
  const changed = ticket.slice(0, at) + (ticket[at] === "A" ? "B" : "A") + ticket.slice(at + 1);
  for (const text of [changed, ticket.slice(0, -1), `${ticket}A`, "", "x".repeat(3072), "%"])
    expectPage(await resume(issuer.url, text));
  expectPage(await visit(`${issuer.url}/authorize/resume?ticket=${ticket}&ticket=${ticket}`));
  expectPage(await visit(`${issuer.url}/logout/resume?ticket=${ticket}`));
});

test("a ticket ends when its client does, or its address", async () => {
  const client = await makePublicClient(issuer, { redirect_uris: [BACK, `${BACK}/2`] });
  const path = `/api/workspaces/${issuer.workspace.id}/clients/${client.id}`;
  const ticket = expectSentTo(await authorize(issuer.url, request(client.id)), issuer.url,
    "sign-in", "login");
  const resume = () => visit(`${issuer.url}/authorize/resume?ticket=${ticket}`);
  expectSentTo(await resume(), issuer.url, "sign-in", "login");
  await issuer.tenant.admin.patch(path, { redirect_uris: [`${BACK}/2`] });
  expectPage(await resume());
  await issuer.tenant.admin.patch(path, { redirect_uris: [BACK] });
  expectSentTo(await resume(), issuer.url, "sign-in", "login");
  await issuer.tenant.admin.delete(path);
  expectPage(await resume());
});

test("there is no issuer where there is no workspace", async () => {
  expectPage(await authorize(`${server.url}/w/${randomUUID()}`, request(app.id)), 404);
});

test("OIDC-Core-3.1.2.1 a request without openid is one of OAuth, and has its rules", async () => {
  // The only address may be left out there, and here not.
  const without = { redirect_uri: undefined, prompt: "none" };
  expectError(await send(without), issuer.url, "login_required");
  expectPage(await send({ ...without, scope: "openid" }));
});

test("RFC9700-4.12 whoever posts is sent on with 303, and posts nothing there", async () => {
  const body = new URLSearchParams(request(app.id, { login_hint: "ada@example.org" }));
  for (const path of ["/authorize", "/logout"]) {
    const answer = await fetch(issuer.url + path, { method: "POST", body, redirect: "manual" });
    expect([path, answer.status]).toEqual([path, 303]);
  }
  for (const more of [{}, { prompt: "none" }])
    expect((await authorize(issuer.url, request(app.id, more), { post: true })).status).toBe(303);
});

test("RFC9700-2.6 the authorization endpoint is no script's to read", async () => {
  for (const method of ["GET", "OPTIONS"]) {
    const answer = await fetch(`${issuer.url}/authorize?${new URLSearchParams(request(app.id))}`, {
      method, redirect: "manual",
      headers: { origin: "https://app.example.org", "access-control-request-method": "GET" },
    });
    for (const name of answer.headers.keys()) expect(name).not.toMatch(/^access-control-/);
  }
});

test("RFC9700-2.1 no client is made with an address that a code could be stolen from", async () => {
  for (const uri of ["/back", "back", "", `${BACK}#part`, `${BACK}#`, "http://app.example.org/back",
    "http://localhost/back", "https://*.example.org/back", "https://user@app.example.org/back",
    "javascript:alert(1)", "data:text/html,x", "https://app.example.org/ back", "https:///back",
    "//app.example.org/back", "https://app.example.org:0/back"]) {
    for (const type of ["authorization_code", "authorization_code_pkce"]) {
      const reply = await issuer.tenant.admin.request("POST",
        `/api/workspaces/${issuer.workspace.id}/clients`,
        { name: "stolen", type, redirect_uris: [uri] });
      expect([uri, type, reply.status]).toEqual([uri, type, 400]);
    }
  }
});
