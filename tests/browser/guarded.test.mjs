// What pages may not do: break their own content security policy, run what a token is called, or ask
// anybody else for anything.

import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import { launch, visitor } from "./kit/browser.mjs";
import { start } from "./kit/demo.mjs";
import { STATUS, pages } from "./kit/pages.mjs";

let demo, browser;
before(async () => {
  [demo, browser] = await Promise.all([start(), launch()]);
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

test("every page loads without a violation, a message or a request elsewhere", async () => {
  const person = await visitor(browser, demo);
  const wrong = {};
  for (const [name, path] of Object.entries(await pages(demo))) {
    const answer = await person.go(path);
    if (answer.status() !== (STATUS[name] ?? 200)) wrong[name] = answer.status();
    await person.page.waitForLoadState("load");
    const headings = await person.page.locator("h1").count();
    if (headings !== 1) wrong[`headings: ${name}`] = headings;
  }
  assert.deepEqual(wrong, {});
  await person.leave();
});

test("every page carries its policy, and none is kept by a cache that others share", async () => {
  for (const [name, path] of Object.entries(await pages(demo))) {
    const answer = await fetch(demo.url + path);
    const policy = answer.headers.get("content-security-policy");
    for (const part of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "require-trusted-types-for 'script'",
    ])
      assert.ok(policy?.includes(part), `${name}: ${part} in ${policy}`);
    assert.ok(!policy.includes("unsafe"), `${name}: ${policy}`);
    assert.match(answer.headers.get("cache-control"), /private|no-store/, name);
    assert.equal(answer.headers.get("x-content-type-options"), "nosniff", name);
    assert.equal(answer.headers.get("referrer-policy"), "same-origin", name);
    const html = await answer.text();
    assert.doesNotMatch(html, / style=|<style| on[a-z]+=(?!x)(["'])(?!.*&#)/i, `${name}: nothing inline`);
    assert.doesNotMatch(html, /<script(?![^>]* src=)[^>]*>/i, `${name}: no script in the page`);
    assert.doesNotMatch(html, /(href|src|action)=["'](\/(?!host")|https?:)/, `${name}: addresses are relative`);
  }
});

test("a name, a description and an agent that are markup stay text", async () => {
  const person = await visitor(browser, demo);
  const { page } = person;
  for (const name of ["<script>window.hacked = 1</script>", '"><img src=x onerror=window.hacked=4>']) {
    const id = await demo.id(name);
    for (const path of [
      "",
      `t/${id}`,
      `t/${id}/calls`,
      `t/${id}/history`,
      `t/${id}/settings`,
      `t/${id}/rotate`,
      `t/${id}/pause`,
      `t/${id}/revoke`,
      `?q=${encodeURIComponent(name)}`,
      `new?name=${encodeURIComponent(name)}`,
      "usage",
      "history",
    ]) {
      await person.go(path);
      assert.equal(await page.evaluate(() => window.hacked), undefined, path);
      const built = await page.evaluate(() => document.querySelectorAll("main img, main script, main [onload]").length);
      assert.equal(built, 0, `nothing was built from a name: ${path}`);
    }
    await person.go(`t/${id}`);
    assert.ok((await page.locator("h1").textContent()).includes(name), "the name is shown as it is");
  }
  await person.leave();
});

test("a hostile route and agent stay text in the live tail", async () => {
  const person = await visitor(browser, demo);
  const { page } = person;
  await person.go(`t/${await demo.id("Staging")}`);
  await page.waitForSelector("[data-live]");
  await page.waitForTimeout(500);
  const agent = "<img src=x onerror='window.hacked=5'>";
  await demo.call({ name: "Staging", agent, route: "GET /v1/<svg/onload=window.hacked=6>" });
  await page.locator("[data-live]").getByText("onload=window.hacked=6").first().waitFor();
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  await person.leave();
});

test("whoever may only look is offered nothing that changes", async () => {
  const person = await visitor(browser, demo, { access: "read-only" });
  const { page } = person;
  for (const path of ["", `t/${await demo.id("Warehouse sync")}`, "attention"]) {
    await person.go(path);
    for (const name of [/create token/i, /^rotate/i, /^revoke(?!d)/i, /^pause(?!d)/i, /^edit/i, /^settings/i])
      assert.equal(await page.locator("main").getByRole("link", { name }).count(), 0, `${path || "list"}: ${name}`);
  }
  for (const path of ["new", `t/${await demo.id("Warehouse sync")}/revoke`])
    assert.equal((await person.go(path)).status(), 403, path);
  await person.leave();
});

test("whoever may not see addresses sees none", async () => {
  const person = await visitor(browser, demo, { access: "support" });
  for (const [name, path] of Object.entries(await pages(demo))) {
    const answer = await person.go(path);
    if (answer.status() !== 200) continue;
    const html = await answer.text();
    assert.doesNotMatch(html, /203\.0\.113\.|198\.51\.100\.|2001:db8/, name);
  }
  await person.leave();
});

test("to whoever is not welcome there is nothing here", async () => {
  for (const access of ["nobody", "forbidden"])
    for (const path of ["", "new", `t/${await demo.id("Warehouse sync")}`, "usage"]) {
      const answer = await fetch(demo.url + path, { headers: { cookie: `demo_access=${access}` } });
      assert.equal(answer.status, 404, `${access}: ${path}`);
      assert.doesNotMatch(await answer.text(), /Warehouse|Acme Store/, access);
    }
});
