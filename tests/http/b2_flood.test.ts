// More people at the door than the server can look at.
import { expect, test } from "vitest";
import { Browser } from "./harness/browser.ts";
import { nameOneself } from "./harness/people.ts";
import { useServer } from "./harness/server.ts";

const server = useServer();

test("B2_flood: more sign-ins at once than can be hashed are refused early, and nothing else is",
  async () => {
    const own = new Browser(server.url);
    const page = await nameOneself(own, "somebody@example.com");
    const fields = page.form("password").fields;
    const cookie = [...own.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const statuses = await Promise.all(Array.from({ length: 58 }, async (_, i) => {
      const answer = await fetch(`${server.url}/sign-in/password`, {
        method: "POST", redirect: "manual", headers: { cookie },
        body: new URLSearchParams({ ...fields, email: `flood-${i}@example.com`,
          password: "a guess that is wrong" }),
      });
      if (answer.status === 503) expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
      return answer.status;
    }));
    expect(new Set(statuses)).toEqual(new Set([403, 503]));
    const ready = await fetch(`${server.url}/readyz`);
    expect(ready.status).toBe(200);
  });
