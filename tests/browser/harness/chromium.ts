// Chromium, as Debian has it: one for the tests of a file, a context of its own for each browser
// that a test needs, and pictures of what it shows.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import axe, { type AxeResults } from "axe-core";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { ROOT } from "../../http/harness/binary.ts";

const PICTURES = join(ROOT, "tests/results/browser");

export interface Looks {
  dark?: boolean;
  javaScript?: boolean;
  narrow?: boolean;
}

export class Chromium {
  private browser: Browser | undefined;

  async start(): Promise<void> {
    this.browser = await chromium.launch({
      executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
      // Without a user of its own, a container's Chromium cannot have its sandbox.
      args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
    });
  }

  async stop(): Promise<void> {
    await this.browser?.close();
  }

  /** A browser that nobody has used yet. */
  async context(looks: Looks = {}): Promise<BrowserContext> {
    if (!this.browser) throw new Error("Chromium does not run");
    const context = await this.browser.newContext({
      colorScheme: looks.dark ? "dark" : "light",
      javaScriptEnabled: looks.javaScript ?? true,
      viewport: looks.narrow ? { width: 390, height: 844 } : { width: 1024, height: 900 },
      reducedMotion: "reduce",
    });
    context.setDefaultTimeout(15_000);
    return context;
  }
}

/** Chromium for the tests of a file. */
export function useChromium(): Chromium {
  const browser = new Chromium();
  beforeAll(() => browser.start(), 60_000);
  afterAll(() => browser.stop(), 60_000);
  return browser;
}

/** Leaves tests/results/browser/NAME.png, the whole page. */
export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
}

/** The same in both colour schemes, NAME-light.png and NAME-dark.png; `look` is done in each. */
export async function pictures(
  page: Page, name: string, look?: () => Promise<unknown>,
): Promise<void> {
  for (const colorScheme of ["dark", "light"] as const) {
    await page.emulateMedia({ colorScheme });
    await picture(page, `${name}-${colorScheme}`);
    await look?.();
  }
}

/**
 * What a page complained of: nothing may be refused by its own policy, what it loads is there, and
 * no script fails. A form that was refused, and shown again, is no complaint.
 */
export function complaints(page: Page): string[] {
  const found: string[] = [];
  page.on("console", (message) => {
    const text = message.text();
    const refused = text.startsWith("Failed to load resource") &&
      !message.location().url.includes("/assets/");
    if ((message.type() === "error" && !refused) || text.includes("Content Security Policy"))
      found.push(text);
  });
  page.on("pageerror", (error) => found.push(error.message));
  return found;
}

/**
 * What stands in the way of people who use a screen reader or see little, by WCAG 2.2 A and AA as
 * far as axe-core finds it. Needs a context with JavaScript.
 */
export async function barriers(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const results = await page.evaluate<AxeResults>(
    "axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'] })");
  return results.violations.map((violation) =>
    `${violation.id}: ${violation.nodes.map((node) => node.html).join(" ")}`);
}
