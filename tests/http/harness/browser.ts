// A browser without scripts: cookies, redirects, and the forms of our pages.

/** A form of a page, with what it would send as it stands. */
export interface Form {
  action: string;
  method: string;
  fields: Record<string, string>;
  /** The submit buttons that have a name, and what each sends. */
  buttons: { name: string; value: string }[];
}

const ENTITIES: Record<string, string> = {
  "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'",
};

function decode(html: string): string {
  return html.replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => ENTITIES[entity] ?? entity)
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
}

function attributes(tag: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [, name, value] of tag.matchAll(/\s([a-z-]+)(?:="([^"]*)")?/g))
    found[name ?? ""] = decode(value ?? "");
  return found;
}

/** Where a browser has come to: a page of the server, or an address that is somebody else's. */
export class Page {
  constructor(
    readonly url: URL,
    readonly status: number,
    readonly headers: Headers,
    readonly html: string,
    /** The addresses on the way here, this one included. */
    readonly way: readonly URL[],
  ) {}

  /** What stands on it, for people. */
  get text(): string {
    const body = this.html.replace(/<(script|style|svg)\b.*?<\/\1>/gs, " ");
    return decode(body.replace(/<[^>]*>/g, " ")).replace(/\s+/g, " ").trim();
  }

  get heading(): string {
    return decode(/<h1[^>]*>(.*?)<\/h1>/s.exec(this.html)?.[1] ?? "").trim();
  }

  get forms(): Form[] {
    return [...this.html.matchAll(/<form([^>]*)>(.*?)<\/form>/gs)].map(([, head, inside]) => {
      const { action, method } = attributes(head ?? "");
      const fields: Record<string, string> = {};
      const buttons: Form["buttons"] = [];
      for (const [, tag, rest] of (inside ?? "").matchAll(/<(input|button)\b([^>]*)>/g)) {
        const a = attributes(rest ?? "");
        if (a["name"] === undefined) continue;
        if (tag === "button") buttons.push({ name: a["name"], value: a["value"] ?? "" });
        else if (a["type"] !== "checkbox" || "checked" in a) fields[a["name"]] = a["value"] ?? "";
      }
      return { action: action ?? "", method: method ?? "get", fields, buttons };
    });
  }

  /** The form that has this field, or a button that sends it. */
  form(name: string, value?: string): Form {
    const form = this.forms.find((one) =>
      (value === undefined && name in one.fields) ||
      one.buttons.some((b) => b.name === name && (value === undefined || b.value === value)));
    if (!form) throw new Error(`no form with ${name} at ${this.url.href}: ${this.text}`);
    return form;
  }

  /** The address behind a link that says this. */
  link(text: string | RegExp): string {
    const links = this.html.matchAll(/<a\b[^>]*href="([^"]*)"[^>]*>(.*?)<\/a>/gs);
    for (const [, href, inside] of links) {
      const says = decode((inside ?? "").replace(/<[^>]*>/g, "")).trim();
      if (typeof text === "string" ? says === text : text.test(says)) return decode(href ?? "");
    }
    throw new Error(`no link "${text}" at ${this.url.href}: ${this.text}`);
  }
}

export interface Sent {
  method?: "GET" | "POST";
  form?: Record<string, string>;
  /** Started by another site: cookies that are "Lax" come with links alone. */
  crossSite?: boolean;
  headers?: Record<string, string>;
}

const REDIRECTS_MAX = 20;

export class Browser {
  readonly cookies = new Map<string, string>();

  /** `origin`: of the server; whatever leads elsewhere is where the browser stops. */
  constructor(readonly origin: string) {}

  private keep(headers: Headers): void {
    for (const line of headers.getSetCookie()) {
      const [pair = "", ...rest] = line.split(/;\s*/);
      const name = pair.slice(0, pair.indexOf("="));
      const flags = rest.map((flag) => flag.toLowerCase());
      if (name.startsWith("__Host-") &&
          (!flags.includes("secure") || !flags.includes("path=/") ||
           flags.some((flag) => flag.startsWith("domain="))))
        throw new Error(`a browser does not take ${line}`);
      if (!flags.includes("httponly") || !flags.includes("samesite=lax"))
        throw new Error(`scripts or other sites could use ${line}`);
      if (flags.includes("max-age=0")) this.cookies.delete(name);
      else this.cookies.set(name, pair.slice(name.length + 1));
    }
  }

  private async fetch(url: URL, sent: Sent, from: string | undefined): Promise<Response> {
    const post = sent.method === "POST";
    const headers: Record<string, string> = {
      "sec-fetch-site": sent.crossSite ? "cross-site" : from === undefined ? "none" : "same-origin",
      "sec-fetch-mode": "navigate",
      "sec-fetch-dest": "document",
      "user-agent": "Test (Linux) Browser/1.0",
      ...(post ? { origin: sent.crossSite ? "https://elsewhere.example" : this.origin } : {}),
      ...(post ? { "content-type": "application/x-www-form-urlencoded" } : {}),
      ...sent.headers,
    };
    if (this.cookies.size > 0 && !(post && sent.crossSite))
      headers["cookie"] = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(url, {
      method: post ? "POST" : "GET",
      headers,
      body: post ? new URLSearchParams(sent.form).toString() : null,
      redirect: "manual",
      signal: AbortSignal.timeout(30_000),
    });
    this.keep(response.headers);
    return response;
  }

  /** Goes there, and on as far as redirects of the server lead. */
  async open(url: string | URL, sent: Sent = {}, from?: string): Promise<Page> {
    let at = new URL(url, this.origin);
    let next = sent;
    const way: URL[] = [];
    for (let hops = 0; hops < REDIRECTS_MAX; hops++) {
      way.push(at);
      if (at.origin !== this.origin) return new Page(at, 0, new Headers(), "", way);
      const response = await this.fetch(at, next, from);
      const html = await response.text();
      const location = response.headers.get("location");
      if (response.status < 300 || response.status > 399 || location === null)
        return new Page(at, response.status, response.headers, html, way);
      if (response.status !== 303) throw new Error(`${at.href} redirects by ${response.status}`);
      next = { ...next, method: "GET" };
      at = new URL(location, at);
    }
    throw new Error(`${way.map((one) => one.href).join(" → ")} does not end`);
  }

  /** Sends a form of a page; what is stated replaces or joins its fields. */
  submit(page: Page, form: Form, more: Record<string, string> = {}): Promise<Page> {
    const action = new URL(form.action || page.url.href, page.url);
    if (form.method.toLowerCase() !== "post") throw new Error(`a form by ${form.method}`);
    const policy = page.headers.get("content-security-policy") ?? "";
    if (action.origin !== this.origin && !policy.includes(action.origin))
      throw new Error(`${policy} lets no form lead to ${action.href}`);
    return this.open(action, { method: "POST", form: { ...form.fields, ...more } }, page.url.href);
  }
}
