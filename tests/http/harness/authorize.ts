// Authorization requests made by hand, and what comes of them.
import { expect } from "vitest";
import { BACK, challengeOf, VERIFIER } from "./planted.ts";

export { BACK, VERIFIER };

export type Parameters = Record<string, string | undefined>;

/** A good request of this client, with parameters changed, added, or (undefined) taken away. */
export function request(client: string, more: Parameters = {}): [string, string][] {
  const usual: Parameters = {
    client_id: client, response_type: "code", redirect_uri: BACK, state: "a state",
    code_challenge: challengeOf(VERIFIER), code_challenge_method: "S256",
  };
  return Object.entries({ ...usual, ...more })
    .filter((pair): pair is [string, string] => pair[1] !== undefined);
}

export interface Answer {
  status: number;
  headers: Headers;
  html: string;
  /** Where a redirect leads. */
  location: URL | undefined;
}

export interface Sender {
  cookie?: string;
  post?: boolean;
}

async function answerOf(response: Response): Promise<Answer> {
  const location = response.headers.get("location");
  return {
    status: response.status, headers: response.headers, html: await response.text(),
    location: location === null ? undefined : new URL(location),
  };
}

/** One request to the address, redirects not followed. */
export async function visit(url: string | URL, sender: Sender = {}): Promise<Answer> {
  const headers: Record<string, string> = sender.cookie === undefined
    ? {} : { cookie: sender.cookie };
  return answerOf(await fetch(url, {
    headers, redirect: "manual", signal: AbortSignal.timeout(30_000),
  }));
}

/** To the authorization endpoint; when it was posted, on to where that leads. */
export async function authorize(
  issuer: string, parameters: [string, string][] | string, sender: Sender = {},
): Promise<Answer> {
  const encoded = typeof parameters === "string"
    ? parameters : new URLSearchParams(parameters).toString();
  if (!sender.post) return visit(`${issuer}/authorize?${encoded}`, sender);
  const answer = await answerOf(await fetch(`${issuer}/authorize`, {
    method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" },
    body: encoded, redirect: "manual", signal: AbortSignal.timeout(30_000),
  }));
  const resumes = answer.location?.href.startsWith(`${issuer}/authorize/resume?`);
  return resumes && answer.location ? visit(answer.location, sender) : answer;
}

/** It went back to the client with these parameters, `state` and `iss` beside them. */
export function expectBack(
  answer: Answer, issuer: string, parameters: Record<string, unknown>,
  state: string | null = "a state", back: string = BACK,
): URLSearchParams {
  expect(answer.status, answer.html).toBe(303);
  const { location } = answer;
  if (!location) throw new Error("no location");
  expect(location.href.startsWith(`${back}${back.includes("?") ? "&" : "?"}`), location.href)
    .toBe(true);
  const got = Object.fromEntries(location.searchParams);
  expect(got).toEqual({
    ...Object.fromEntries(new URL(back).searchParams),
    ...parameters, iss: issuer, ...(state === null ? {} : { state }),
  });
  expect(answer.headers.get("cache-control")).toBe("no-store");
  return location.searchParams;
}

export function expectError(
  answer: Answer, issuer: string, error: string, state?: string | null, back?: string,
): void {
  expectBack(answer, issuer, { error, error_description: expect.stringMatching(/^[ !#-[\]-~]+$/) },
    state, back);
}

/** It went back with a code; that code. */
export function expectCode(
  answer: Answer, issuer: string, state?: string | null, back?: string,
): string {
  const code = expect.stringMatching(/^twg_[\w-]{50,}$/);
  return expectBack(answer, issuer, { code }, state, back).get("code") ?? "";
}

/** Nothing goes to any client: a page tells the user. */
export function expectPage(answer: Answer, status = 400): void {
  expect({ status: answer.status, location: answer.location }, answer.html)
    .toEqual({ status, location: undefined });
  expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(answer.html).toContain("<h1>");
}

/** The browser is sent to a page of the issuer's, with a ticket; the ticket. */
export function expectSentTo(answer: Answer, issuer: string, page: string, need?: string): string {
  expect(answer.status, answer.html).toBe(303);
  const { location } = answer;
  expect(`${location?.origin}${location?.pathname}`).toBe(`${issuer}/${page}`);
  expect(location?.searchParams.get("need") ?? undefined).toBe(need);
  return location?.searchParams.get("ticket") ?? "";
}
