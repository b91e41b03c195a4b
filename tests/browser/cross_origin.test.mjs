// Forms that other pages send: from another port, from another name of the same machine, and without
// what a browser says.

import assert from "node:assert/strict";
import http from "node:http";
import { networkInterfaces } from "node:os";
import test, { after, before } from "node:test";

import { launch, visitor } from "./kit/browser.mjs";
import { start } from "./kit/demo.mjs";

let demo, browser, id, evil;
before(async () => {
  [demo, browser] = await Promise.all([start("--host", "0.0.0.0"), launch()]);
  // It listens on all addresses; the one of the machine itself is meant.
  const said = demo.port;
  demo.url = `http://127.0.0.1:${said}/admin/tokens/`;
  demo.origin = `http://127.0.0.1:${said}`;
  demo.controls = demo.controls.replace("0.0.0.0", "127.0.0.1");
  id = await demo.id("Label printer");
  evil = http.createServer((request, response) => {
    const target = new URL(request.url, "http://x").searchParams.get("to");
    response.setHeader("content-type", "text/html");
    response.end(`<form method="post" action="${target}"><input name="reason" value="x"><button>go</button></form>`);
  });
  await new Promise((resolve) => evil.listen(0, "0.0.0.0", resolve));
});
after(async () => {
  evil?.close();
  await browser?.close();
  await demo?.stop();
});

const status = async () => (await demo.api(`tokens/${id}`)).body.status;

async function sendsFrom(host, target) {
  const person = await visitor(browser, demo);
  const from = `http://${host}:${evil.address().port}`;
  person.origins.add(from).add(new URL(target).origin);
  await person.page.goto(`${from}/?to=${encodeURIComponent(target)}`);
  const answered = person.page.waitForResponse((answer) => answer.request().method() === "POST");
  await person.page.getByRole("button").click();
  const answer = await answered;
  await person.context.close();
  return answer.status();
}

for (const path of ["pause", "revoke", "rotate", "settings"])
  test(`a form of another port changes nothing: ${path}`, async () => {
    assert.equal(await sendsFrom("127.0.0.1", `${demo.url}t/${id}/${path}`), 403);
    assert.equal(await status(), "active");
  });

test("a form of another name of this machine changes nothing", async () => {
  assert.equal(await sendsFrom("localhost", `${demo.url}t/${id}/pause`), 403);
  assert.equal(await status(), "active");
});

test("a form from an address without TLS in the local network changes nothing", async (context) => {
  const own = Object.values(networkInterfaces()).flat().find(({ internal, family }) => !internal && family === "IPv4");
  // Without one there is no such page either.
  if (!own) return context.diagnostic("this machine is in no network");
  const target = `http://${own.address}:${demo.port}/admin/tokens/t/${id}/pause`;
  assert.equal(await sendsFrom("127.0.0.1", target), 403);
  assert.equal(await status(), "active");
});

test("on an address without TLS in the local network its own forms work", async (context) => {
  const own = Object.values(networkInterfaces()).flat().find(({ internal, family }) => !internal && family === "IPv4");
  if (!own) return context.diagnostic("this machine is in no network");
  const url = `http://${own.address}:${demo.port}/admin/tokens/`;
  const person = await visitor(browser, { ...demo, url, origin: new URL(url).origin });
  // Chromium says there that it leaves out headers which need TLS.
  await person.page.goto(`${url}t/${await demo.id("Price watch")}/pause`);
  await person.page.locator(".dialog-body button[type=submit]").last().click();
  await person.page.getByRole("status").filter({ hasText: /paused/i }).first().waitFor();
  await person.context.close();
});

test("the rows of the table of headers", async () => {
  const host = `127.0.0.1:${demo.port}`;
  const rows = [
    [{ "sec-fetch-site": "cross-site" }, 403],
    [{ "sec-fetch-site": "same-site" }, 403],
    [{}, 403],
    [{ origin: "null" }, 403],
    [{ origin: "http://evil.example" }, 403],
    [{ origin: `http://localhost:${demo.port}` }, 403],
    [{ "sec-fetch-site": "cross-site", origin: `http://${host}` }, 403],
    [{ "sec-fetch-site": "same-origin" }, 303],
    [{ "sec-fetch-site": "none" }, 303],
    [{ origin: `http://${host}` }, 303],
  ];
  for (const [headers, expected] of rows) {
    // Not fetch, which puts in some of these by itself.
    const got = await new Promise((resolve, reject) => {
      const sent = { ...headers, host, "content-type": "application/x-www-form-urlencoded" };
      const request = http.request(
        { host: "127.0.0.1", port: demo.port, path: "/admin/tokens/preferences", method: "POST", headers: sent },
        (answer) => resolve(answer.resume().statusCode),
      );
      request.on("error", reject);
      request.end("theme=dark");
    });
    assert.equal(got, expected, JSON.stringify(headers));
  }
});
