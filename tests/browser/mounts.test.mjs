// Under any path, behind proxies that rewrite it, beside a host's own pages and policy.

import assert from "node:assert/strict";
import http from "node:http";
import test, { after, before } from "node:test";

import { launch, visitor } from "./kit/browser.mjs";
import { start } from "./kit/demo.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

/** Goes once around: every link of every page that can be reached, and a form. */
async function goRound(demo, url = demo.url) {
  const person = await visitor(browser, { ...demo, url, origin: new URL(url).origin });
  const { page } = person;
  const root = new URL(url).pathname;
  const seen = new Set();
  const open = [url];
  while (open.length && seen.size < 30) {
    const address = open.shift();
    if (seen.has(address)) continue;
    seen.add(address);
    const answer = await page.goto(address);
    assert.equal(answer.status(), 200, address);
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).margin !== "8px"), true, `styled: ${address}`);
    const links = await page.evaluate(() => [...document.querySelectorAll("a[href]")].map((link) => link.href));
    for (const link of links) {
      const { pathname, origin, search } = new URL(link);
      if (pathname === "/host") continue;
      assert.ok(origin === new URL(url).origin && pathname.startsWith(root), `a link leaves the mount: ${link} on ${address}`);
      const kind = pathname.replace(/tok_[^/]+/, "tok");
      if (![...seen, ...open].some((other) => new URL(other).pathname.replace(/tok_[^/]+/, "tok") === kind))
        open.push(origin + pathname + (pathname.includes("bulk") ? search : ""));
    }
  }
  assert.ok(seen.size > 8, `few pages were found: ${[...seen]}`);
  // A form, a redirect, its cookie.
  await page.goto(url);
  await page.getByRole("link", { name: "Label printer" }).first().click();
  await page.getByRole("link", { name: /^pause/i }).first().click();
  await page.locator(".dialog-body button[type=submit]").last().click();
  await page.getByRole("status").filter({ hasText: /paused/i }).first().waitFor();
  assert.ok(new URL(page.url()).pathname.startsWith(root), page.url());
  await person.leave();
}

for (const [how, options] of Object.entries({
  "at the root": ["--mount", "/"],
  "deep in a router": ["--mount", "/a/b/c"],
  "in a router that is nested in another": ["--nest", "/outer", "--mount", "/inner"],
  "below a host's own policy": ["--csp", "default-src 'self'"],
}))
  test(`it works ${how}`, async () => {
    const demo = await start(...options);
    await goRound(demo);
    await demo.stop();
  });

test("it works behind a proxy that takes a prefix off and says so", async () => {
  const demo = await start("--trust-forwarded-prefix", "--mount", "/tokens");
  const proxy = await proxyTo(demo, "/shop", "/", { "x-forwarded-prefix": "/shop" });
  await goRound(demo, `http://127.0.0.1:${proxy.address().port}/shop/tokens/`);
  proxy.close();
  await demo.stop();
});

test("it works behind a proxy that gives the mount another name", async () => {
  const demo = await start("--public-path", "/elsewhere", "--mount", "/admin/tokens");
  const proxy = await proxyTo(demo, "/elsewhere", "/admin/tokens", {});
  await goRound(demo, `http://127.0.0.1:${proxy.address().port}/elsewhere/`);
  proxy.close();
  await demo.stop();
});

test("with and without a slash at the end leads to one address", async () => {
  const demo = await start();
  const person = await visitor(browser, demo);
  await person.page.goto(demo.url.replace(/\/$/, ""));
  assert.equal(person.page.url(), demo.url);
  const id = await demo.id("Warehouse sync");
  await person.go(`t/${id}/`);
  assert.equal(person.page.url(), `${demo.url}t/${id}`);
  await person.go("usage/?range=7d");
  assert.equal(person.page.url(), `${demo.url}usage?range=7d`);
  await person.leave();
  await demo.stop();
});

test("a host's own assets stay the host's", async () => {
  const demo = await start();
  const answer = await fetch(`${demo.origin}/assets/dashboard.css`);
  assert.equal(await answer.text(), "The host has no such file.");
  await demo.stop();
});

/** Takes `before` off the front of a path and puts `behind` there, and keeps the host's name. */
function proxyTo(demo, before, behind, headers) {
  const proxy = http.createServer((request, response) => {
    if (!request.url.startsWith(before)) return response.writeHead(404).end();
    const path = behind.replace(/\/$/, "") + request.url.slice(before.length);
    const onward = http.request(
      { host: "127.0.0.1", port: demo.port, path, method: request.method, headers: { ...request.headers, ...headers } },
      (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  });
  return new Promise((resolve) => proxy.listen(0, "127.0.0.1", () => resolve(proxy)));
}
