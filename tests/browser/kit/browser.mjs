// Chromium, and what no page of the dashboard may ever do in it.

import assert from "node:assert/strict";

import { NOW } from "./demo.mjs";
import { load } from "./packages.mjs";

const { chromium } = await load("playwright-core");

/** The program's path: Debian's unless said. */
export const CHROMIUM = process.env.TOKENWARD_CHROMIUM ?? "/usr/bin/chromium";

export const launch = (options = {}) =>
  chromium.launch({
    executablePath: CHROMIUM,
    // As root, as in containers, it runs only without its sandbox; what it loads is ours.
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--font-render-hinting=none", ...(options.args ?? [])],
  });

/**
 * A browser of its own: time stands where the server's does, and everything that a page does wrong is kept
 * in `problems`. Nothing but `demo`'s origin may be asked for.
 */
export async function visitor(browser, demo, options = {}) {
  const { path = "", access, clock = true, ...rest } = options;
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    ...rest,
  });
  context.setDefaultTimeout(Number(process.env.TOKENWARD_PATIENCE ?? 10_000));
  // Where times are measured the browser keeps its own: this stands in for `performance` as well.
  if (clock) await context.clock.setFixedTime(new Date(NOW));
  if (access) await context.addCookies([{ name: "demo_access", value: access, url: demo.origin }]);
  const problems = [];
  const origins = new Set([demo.origin]);
  // The answer of a page that says what is wrong is no mistake of the page.
  const expected = /the server responded with a status of (401|403|404|409|422|429)/;
  await context.addInitScript(() =>
    addEventListener("securitypolicyviolation", (event) =>
      console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`),
    ),
  );
  context.on("weberror", (error) => problems.push(`script: ${error.error().stack}`));
  context.on("console", (message) => {
    if (!["error", "warning"].includes(message.type())) return;
    if (expected.test(message.text())) return;
    problems.push(`console, at ${message.page()?.url()}: ${message.text()}`);
  });
  context.on("request", (request) => {
    const url = new URL(request.url());
    if (["data:", "blob:", "about:"].includes(url.protocol) || !origins.has(url.origin))
      problems.push(`asked elsewhere: ${request.url()}`);
  });
  const page = await context.newPage();
  const visitor = {
    context,
    page,
    problems,
    origins,
    go: (below = "") => page.goto(new URL(below, new URL(path, demo.url)).href),
    async leave() {
      await context.close();
      assert.deepEqual(problems, [], "what a page did wrong");
    },
  };
  return visitor;
}
