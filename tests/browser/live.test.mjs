// Calls as they come: through a crash of the server without a gap or a double, in two tabs, and not in
// one that nobody looks at.

import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import { launch, visitor } from "./kit/browser.mjs";
import { start } from "./kit/demo.mjs";

let demo, browser;
before(async () => {
  [demo, browser] = await Promise.all([start(), launch()]);
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

/** The routes of the rows that are there, newest first. */
const rows = (page) => page.locator("[data-live] tr").evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent).join(" ")));
const numbers = async (page) => (await rows(page)).map((row) => /\/v1\/live\/(\d+)\b/.exec(row)?.[1]).filter(Boolean).map(Number);
const call = (number) => demo.call({ name: "Reporting", route: `GET /v1/live/${number}` });
const shows = (page, number) => page.locator("[data-live]").getByText(`/v1/live/${number}`, { exact: false }).first().waitFor();
const state = (page, text) => page.locator(".live output").getByText(text).waitFor({ timeout: 20_000 });

async function tail() {
  // An interrupted stream is a message in the console, and no mistake of the page.
  const person = await visitor(browser, demo);
  await person.go(`t/${await demo.id("Reporting")}`);
  await state(person.page, "Live");
  return person;
}

test("calls come, newest first, and go on after a crash of the server without a gap or a double", async () => {
  const person = await tail();
  for (const number of [1, 2]) {
    await call(number);
    await shows(person.page, number);
  }
  await demo.kill();
  await state(person.page, /Reconnecting|Updated every/);
  await demo.reopen();
  // Before the page has come back.
  await call(3);
  await state(person.page, "Live");
  await shows(person.page, 3);
  await call(4);
  await shows(person.page, 4);
  assert.deepEqual(await numbers(person.page), [4, 3, 2, 1]);
  await person.context.close();
});

test("two tabs show the same, and one that is paused catches up", async () => {
  const [left, right] = [await tail(), await tail()];
  await right.page.locator(".live").getByRole("button", { name: "Pause" }).click();
  await call(11);
  await shows(left.page, 11);
  assert.ok(!(await numbers(right.page)).includes(11));
  await right.page.locator(".live").getByRole("button", { name: "Resume" }).click();
  await shows(right.page, 11);
  for (const person of [left, right]) await person.leave();
});

test("no more than 50 rows stand there, and what is not shown is said", async () => {
  const person = await tail();
  await demo.call({ name: "Reporting", route: "GET /v1/live/20", times: 28 });
  await demo.advance(61);
  await demo.call({ name: "Reporting", route: "GET /v1/live/21", times: 28 });
  await shows(person.page, 21);
  assert.ok((await rows(person.page)).length <= 50);
  await person.leave();
});

test("a page that is hidden has no stream open", async () => {
  const person = await tail();
  const { page } = person;
  // Headless pages are never hidden by themselves.
  await page.evaluate(() => {
    Object.defineProperty(document, "hidden", { value: true, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await call(31);
  await page.waitForTimeout(500);
  assert.ok(!(await numbers(page)).includes(31));
  await page.evaluate(() => {
    Object.defineProperty(document, "hidden", { value: false, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await shows(page, 31);
  await person.leave();
});

test("the page with a new secret tells of the first call", async () => {
  const person = await visitor(browser, demo);
  const { page } = person;
  await person.go("new?preset=warehouse");
  await page.getByLabel("Name", { exact: true }).fill("Watched");
  await page.getByRole("button", { name: "Create token" }).click();
  const token = await page.locator("#secret").inputValue();
  await page.waitForTimeout(300);
  await demo.call({ token, route: "GET /v1/orders" });
  await page.getByText(/First call received .*GET \/v1\/orders/).waitFor();
  await person.context.close();
});
