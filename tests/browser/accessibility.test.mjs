// axe finds nothing on any page: light and dark, wide and narrow, with an open dialog, with mistakes in a
// form, with nothing to show, in forced colours and without movement.

import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import { axe } from "./kit/axe.mjs";
import { launch, visitor } from "./kit/browser.mjs";
import { asSeen } from "./kit/checked.mjs";
import { start } from "./kit/demo.mjs";
import { pages } from "./kit/pages.mjs";

let demo, empty, browser;
const undecided = {};
before(async () => {
  [demo, empty, browser] = await Promise.all([start(), start("--empty"), launch()]);
});
after(async () => {
  await browser?.close();
  await demo?.stop();
  await empty?.stop();
});

const narrow = { viewport: { width: 320, height: 640 } };
const ways = {
  "light and wide": { colorScheme: "light" },
  "light and narrow": { colorScheme: "light", ...narrow },
  "dark and wide": { colorScheme: "dark" },
  "dark and narrow": { colorScheme: "dark", ...narrow },
  "in forced colours": { forcedColors: "active" },
  "without movement": { reducedMotion: "reduce" },
};

// Only the colours differ from the light ones; all other rules look at what is the same.
const COLOURS = { runOnly: { type: "rule", values: ["color-contrast", "link-in-text-block"] } };

for (const [how, options] of Object.entries(ways))
  test(`every page is accessible: ${how}`, async () => {
    const person = await visitor(browser, demo, options);
    const found = {};
    for (const [name, path] of Object.entries(await pages(demo))) {
      await person.go(path);
      await look(person, `${name}, ${how}`, found, how.startsWith("light") ? {} : COLOURS);
    }
    assert.deepEqual(found, {});
    await person.leave();
  });

async function look(person, name, found, options) {
  const { violations, undecided: open } = await axe(person.page, options);
  if (violations.length) found[name] = violations;
  for (const line of open) (undecided[line] ??= new Set()).add(name);
}

test("open dialogs are accessible", async () => {
  const found = {};
  for (const how of ["light and wide", "dark and narrow"]) {
    const person = await visitor(browser, demo, ways[how]);
    const { page } = person;
    for (const name of [/^rotate/i, /^pause/i, /^revoke/i]) {
      await person.go(`t/${await demo.id("Warehouse sync")}`);
      await page.locator("main").getByRole("link", { name }).first().click();
      await page.getByRole("dialog").waitFor();
      await look(person, `dialog ${name}, ${how}`, found, {});
    }
    await person.leave();
  }
  assert.deepEqual(found, {});
});

test("forms with mistakes are accessible, and lead to the first of them", async () => {
  const found = {};
  const person = await visitor(browser, demo);
  const { page } = person;
  for (const path of ["new", `t/${await demo.id("Warehouse sync")}/settings`]) {
    await person.go(path);
    await page.getByLabel("Name", { exact: true }).fill("");
    await page.getByLabel(/calls per minute/i).fill("many");
    await page.getByRole("button", { name: /^(create|save)/i }).last().click();
    await page.getByRole("alert").waitFor();
    await look(person, `${path} with mistakes`, found, {});
    // Where the page was opened by a mistake, it is what has the focus.
    assert.equal(await page.evaluate(() => document.activeElement?.closest("[role=alert]") !== null), true, path);
    const first = page.getByRole("alert").getByRole("link").first();
    await first.click();
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("aria-invalid")), "true", path);
  }
  assert.deepEqual(found, {});
  await person.leave();
});

test("where there is nothing yet pages are accessible and say what to do", async () => {
  const found = {};
  for (const how of ["light and wide", "dark and narrow"]) {
    const person = await visitor(browser, empty, ways[how]);
    for (const path of ["", "attention", "usage", "history", "new"]) {
      const answer = await person.go(path);
      assert.equal(answer.status(), 200, path);
      await look(person, `empty ${path || "list"}, ${how}`, found, {});
    }
    await person.leave();
  }
  assert.deepEqual(found, {});
});

test("the sign-in is accessible", async () => {
  const found = {};
  const person = await visitor(browser, demo, { access: "sign-in" });
  await person.go("");
  await look(person, "sign-in", found, {});
  await person.page.getByRole("textbox").or(person.page.locator("input[type=password]")).first().fill("nothing");
  await person.page.getByRole("button", { name: /sign in/i }).click();
  await look(person, "sign-in with a mistake", found, {});
  assert.deepEqual(found, {});
  await person.leave();
});

test("the page with the secret is accessible", async () => {
  const found = {};
  const person = await visitor(browser, demo);
  await person.go("new?preset=warehouse");
  await person.page.getByLabel("Name", { exact: true }).fill("For everybody");
  await person.page.getByRole("button", { name: "Create token" }).click();
  await person.page.locator("#secret").waitFor();
  await look(person, "reveal", found, {});
  assert.deepEqual(found, {});
  await person.context.close();
});

test("what axe leaves to a person to decide does not grow", async () => {
  const now = Object.keys(undecided).sort();
  await asSeen("undecided_by_axe", now, (now, seen, message) =>
    assert.deepEqual(now.filter((line) => !seen.includes(line)), [], message),
  );
});
