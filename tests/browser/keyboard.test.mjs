// Everything by the keyboard alone: in an order that follows the page, always visible, and back to where
// one was.

import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import { launch, visitor } from "./kit/browser.mjs";
import { asSeen } from "./kit/checked.mjs";
import { start } from "./kit/demo.mjs";

let demo, browser;
before(async () => {
  [demo, browser] = await Promise.all([start(), launch()]);
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

/** What has the focus, how it is called, and whether one can see that. */
const focused = () => {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  // A tick box or a choice may have its outline around its label.
  const outlines = [element, element.closest("label")].filter(Boolean).map((one) => getComputedStyle(one));
  const box = element.getBoundingClientRect();
  const middle = document.elementFromPoint(box.left + Math.min(box.width / 2, 20), box.top + box.height / 2);
  const name = element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent ?? element.textContent ?? "";
  return {
    what: `${element.tagName.toLowerCase()} ${name.replace(/\s+/g, " ").trim().slice(0, 40)}`.trim(),
    outlined: outlines.some((style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2),
    inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    uncovered: middle !== null && (element.contains(middle) || middle.contains(element) || [...(element.labels ?? [])].some((label) => label.contains(middle))),
    small: box.width < 24 || box.height < 24,
  };
};

const orders = {};
for (const [name, path] of [
  ["list", async () => ""],
  ["create", async () => "new?preset=warehouse"],
  ["token", async () => `t/${await demo.id("Warehouse sync")}`],
  ["settings", async () => `t/${await demo.id("Warehouse sync")}/settings`],
  ["revoke", async () => `t/${await demo.id("Warehouse sync")}/revoke`],
])
  test(`by Tab through the whole page, in its order and always visible: ${name}`, async () => {
    const person = await visitor(browser, demo);
    const { page } = person;
    await person.go(await path());
    const order = [];
    const wrong = [];
    await page.evaluate(() => document.activeElement?.blur());
    for (let step = 0; step < 400; step += 1) {
      await page.keyboard.press("Tab");
      const now = await page.evaluate(focused);
      if (!now) break;
      if (!now.outlined) wrong.push(`no outline: ${now.what}`);
      if (!now.inside || !now.uncovered) wrong.push(`hidden: ${now.what}`);
      order.push(now.what);
      // A page for one decision begins at its safe button.
      if (step === 0 && name !== "revoke") assert.match(now.what, /skip/i, "first the way past the header");
    }
    orders[name] = order.filter((what, index) => name !== "list" || index < 40);
    assert.deepEqual(wrong, []);
    await person.leave();
  });

test("the order of the focus is the one that was looked at", async () => {
  await asSeen("focus_order", orders);
});

test("the way past the header leads past it", async () => {
  const person = await visitor(browser, demo);
  await person.go("");
  await person.page.keyboard.press("Tab");
  await person.page.keyboard.press("Enter");
  await person.page.keyboard.press("Tab");
  assert.equal(await person.page.evaluate(() => document.activeElement?.closest("main") !== null), true);
  await person.leave();
});

test("a dialog has the focus on its safe button, keeps it inside, and gives it back by Escape", async () => {
  const person = await visitor(browser, demo);
  const { page } = person;
  for (const name of ["Rotate…", "Pause…", "Revoke…"]) {
    await person.go(`t/${await demo.id("Warehouse sync")}`);
    const opener = page.locator("main").getByRole("link", { name, exact: false }).first();
    await opener.focus();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog");
    await dialog.waitFor();
    const has = () => page.evaluate(() => document.activeElement?.textContent?.trim() ?? "");
    assert.match(await has(), /cancel|keep it/i, `${name}: the safe button`);
    for (let step = 0; step < 20; step += 1) {
      await page.keyboard.press("Tab");
      // Between the end and the beginning the browser's own bar may have it: then it is the body.
      const inside = await page.evaluate(() => document.activeElement === document.body || document.activeElement?.closest("dialog") !== null);
      assert.ok(inside, `${name}: the focus left the dialog`);
    }
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    assert.ok((await has()).startsWith(name.replace("…", "")), `${name}: back to where it was opened`);
  }
  await person.leave();
});

test("pause and resume a token without a mouse", async () => {
  const person = await visitor(browser, demo);
  const { page } = person;
  await person.go(`t/${await demo.id("Search index")}`);
  const to = async (name) => {
    for (let step = 0; step < 300; step += 1) {
      await page.keyboard.press("Tab");
      if (await page.evaluate((name) => document.activeElement?.textContent?.trim() === name, name)) return page.keyboard.press("Enter");
    }
    assert.fail(`Tab never came to ${name}`);
  };
  await to("Pause…");
  await page.getByRole("dialog").waitFor();
  await to("Pause");
  await page.locator("#flash").getByText(/paused/i).waitFor();
  // What was done is where the focus is, so that it is read out.
  assert.equal(await page.evaluate(() => document.activeElement?.closest("#flash") !== null), true);
  await to("Resume");
  await page.locator("#flash").getByText(/resumed|works again|active/i).waitFor();
  await person.leave();
});

test("arrows read a chart aloud, value by value", async () => {
  const person = await visitor(browser, demo);
  const { page } = person;
  await person.go(`t/${await demo.id("Warehouse sync")}`);
  const figure = page.locator("figure[data-chart]").first();
  await figure.locator("svg[tabindex]").focus();
  const said = figure.locator("output");
  await page.keyboard.press("ArrowLeft");
  const last = await said.textContent();
  await page.keyboard.press("ArrowLeft");
  const before = await said.textContent();
  assert.ok(last && before && last !== before, `${last} / ${before}`);
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowRight");
  assert.ok((await said.textContent()).length > 5);
  await page.keyboard.press("Escape");
  assert.equal(await said.textContent(), "");
  await person.leave();
});

test("single keys work outside of fields, and can be switched off", async () => {
  const person = await visitor(browser, demo);
  const { page } = person;
  await person.go("");
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement?.id), "q");
  await page.keyboard.type("c?");
  assert.equal(await page.locator("#q").inputValue(), "c?", "in a field they are text");
  await person.go("");
  await page.keyboard.press("c");
  await page.waitForURL(/\/new$/);
  await person.go("keys");
  await page.locator("main").getByRole("button", { name: /off/i }).first().click();
  await person.go("");
  await page.keyboard.press("c");
  await page.waitForTimeout(300);
  assert.equal(page.url(), demo.url);
  await person.leave();
});
