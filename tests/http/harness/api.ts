// A small client of the management API and of the decisions, and what one expects of its answers.
import { expect } from "vitest";
import { holdAgainstContract } from "./contract.ts";
import type { Decision, DecisionRequest, Org, Page, Problem } from "./types.ts";

export interface Answer<T = unknown> {
  status: number;
  headers: Headers;
  text: string;
  /** The parsed body; undefined when there is none. */
  body: T;
}

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export class Api {
  constructor(
    private readonly base: () => string,
    readonly secret: string | undefined,
  ) {}

  /** One request, whatever comes of it, as long as the contract knows it. */
  async request<T = unknown>(
    method: Method,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const sent: Record<string, string> = { ...headers };
    if (this.secret !== undefined) sent["authorization"] ??= `Bearer ${this.secret}`;
    if (body !== undefined) sent["content-type"] ??= "application/json";
    const response = await fetch(this.base() + path, {
      method,
      headers: sent,
      redirect: "manual",
      signal: AbortSignal.timeout(30_000),
      body: body === undefined || typeof body === "string" ? (body ?? null) : JSON.stringify(body),
    });
    const text = await response.text();
    const json = /[/+]json/.test(response.headers.get("content-type") ?? "");
    const parsed: unknown = json && text !== "" ? JSON.parse(text) : undefined;
    const answer = { status: response.status, headers: response.headers, text, body: parsed as T };
    holdAgainstContract(method, path, answer);
    return answer;
  }

  /** A request that has to succeed; its body. */
  async must<T = unknown>(method: Method, path: string, body?: unknown): Promise<T> {
    const answer = await this.request<T>(method, path, body);
    if (answer.status < 200 || answer.status > 299)
      throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.body;
  }

  get<T>(path: string): Promise<T> {
    return this.must<T>("GET", path);
  }
  post<T>(path: string, body: unknown): Promise<T> {
    return this.must<T>("POST", path, body);
  }
  put<T>(path: string, body?: unknown): Promise<T> {
    return this.must<T>("PUT", path, body);
  }
  patch<T>(path: string, body: unknown): Promise<T> {
    return this.must<T>("PATCH", path, body);
  }
  async delete(path: string): Promise<void> {
    await this.must("DELETE", path);
  }

  /** Every item of a list, page by page. */
  async list<T>(path: string, limit = 200): Promise<T[]> {
    const items: T[] = [];
    let next: string | null = null;
    for (let pages = 0; pages < 10_000; pages++) {
      const join = path.includes("?") ? "&" : "?";
      const cursor: string = next === null ? "" : `&cursor=${encodeURIComponent(next)}`;
      const page: Page<T> = await this.get(`${path}${join}limit=${limit}${cursor}`);
      items.push(...page.items);
      next = page.next;
      if (next === null) return items;
    }
    throw new Error(`${path} does not end`);
  }

  /** One decision, of the workspace named or at the root. */
  decide(request: DecisionRequest, workspace?: string): Promise<Decision> {
    const where = workspace === undefined ? "" : `/w/${workspace}`;
    return this.post<Decision>(`${where}/access/v1/evaluation`, request);
  }
}

/** The answer is this problem: a status, and the code at the end of its type. */
export function expectProblem(answer: Answer, status: number, code?: string): Problem {
  const problem = answer.body as Problem;
  expect({ status: answer.status, code: problem?.type?.replace("/problems/", "") }, answer.text)
    .toEqual({ status, code: code ?? expect.any(String) });
  expect(answer.headers.get("content-type")).toMatch(/^application\/problem\+json/);
  expect(problem.status).toBe(status);
  expect(problem.detail).not.toBe("");
  expect(problem.request_id).toBe(answer.headers.get("x-request-id"));
  return problem;
}

/** Refused for want of this permission. */
export function expectForbidden(answer: Answer, permission?: string, code?: string): void {
  const problem = expectProblem(answer, 403, code);
  if (permission !== undefined) expect(problem.permission).toBe(permission);
}

/** The revision that a change's answer carries. */
export function revisionOf(answer: Answer): number {
  const text = answer.headers.get("thingward-revision");
  expect(text).toMatch(/^\d+$/);
  return Number(text);
}

/** … and the incarnation that it counts from. */
export function incarnationOf(answer: Answer): string {
  const text = answer.headers.get("thingward-incarnation");
  expect(text).toMatch(/^[0-9a-f-]{36}$/);
  return text ?? "";
}

/** An organisation of a test. */
export interface Tenant {
  org: Org;
  /** Calls with the organisation's first key, which may do everything in it. */
  admin: Api;
  /** Where its things are: /api/orgs/… */
  path: string;
}
