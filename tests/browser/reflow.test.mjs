// No page scrolls sideways: neither on the narrowest screen, nor at 400 % on a usual one, nor with text
// twice as large.

import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import { launch, visitor } from "./kit/browser.mjs";
import { start } from "./kit/demo.mjs";
import { pages } from "./kit/pages.mjs";

let demo, browser;
before(async () => {
  [demo, browser] = await Promise.all([start(), launch()]);
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

/** What sticks out to the right, for whoever has to mend it. */
const tooWide = () => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= innerWidth) return [];
  return [...document.querySelectorAll("body *")]
    .filter((element) => element.getBoundingClientRect().right > width + 1)
    .filter((element) => !element.closest(".scroll") || element.matches(".scroll"))
    .map((element) => `${element.tagName}.${element.getAttribute("class") ?? ""}`)
    .slice(0, 6)
    .concat(`scrollWidth ${document.documentElement.scrollWidth}`);
};

for (const [how, options] of Object.entries({
  "at 320 pixels": { viewport: { width: 320, height: 640 } },
  "at 400 %": { viewport: { width: 320, height: 200 }, deviceScaleFactor: 4 },
  "at 1280 pixels": { viewport: { width: 1280, height: 800 } },
}))
  test(`no page scrolls sideways ${how}`, async () => {
    const person = await visitor(browser, demo, options);
    const wide = {};
    for (const [name, path] of Object.entries(await pages(demo))) {
      await person.go(path);
      const out = await person.page.evaluate(tooWide);
      if (out.length) wide[name] = out;
    }
    assert.deepEqual(wide, {});
    await person.leave();
  });

test("with text twice as large no page scrolls sideways and no button is cut off", async () => {
  const person = await visitor(browser, demo, { viewport: { width: 640, height: 800 } });
  const wide = {};
  for (const [name, path] of Object.entries(await pages(demo))) {
    await person.go(path);
    const out = await person.page.evaluate((tooWide) => {
      document.documentElement.style.fontSize = "200%";
      return null;
    });
    const after = await person.page.evaluate(tooWide);
    if (after.length) wide[name] = after;
  }
  assert.deepEqual(wide, {});
  await person.leave();
});

test("tables become cards at 320 pixels, each value with its label", async () => {
  const person = await visitor(browser, demo, { viewport: { width: 320, height: 640 } });
  await person.go("");
  const cells = await person.page.evaluate(() =>
    [...document.querySelectorAll("table.data tbody tr:first-child td")].map((cell) => ({
      label: cell.dataset.l ?? "",
      shown: getComputedStyle(cell, "::before").content,
      text: cell.textContent.trim(),
    })),
  );
  assert.ok(cells.length > 4, "the list has its columns");
  for (const { label, shown } of cells.filter(({ label }) => label)) assert.ok(shown.includes(label), `${label}: ${shown}`);
  await person.leave();
});
