// The ten pages that the documentation shows, made here. They are compared only on the version of the
// browser that made them; on another one they are made, looked at for being drawn at all, and put aside.

import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { after, before } from "node:test";

import { launch, visitor } from "./kit/browser.mjs";
import { start } from "./kit/demo.mjs";
import { load } from "./kit/packages.mjs";

const { PNG } = await load("pngjs");
const folder = join(import.meta.dirname, "..", "..", "docs", "screenshots");
/** How many pixels may differ, of a thousand. */
const THRESHOLD = 1;

let demo, browser, here, made;
before(async () => {
  [demo, browser] = await Promise.all([start(), launch()]);
  here = await drawnWith();
  made = await readFile(join(folder, "made-with.txt"), "utf8").catch(() => "nothing");
});
after(async () => {
  if (process.env.TOKENWARD_UPDATE) await writeFile(join(folder, "made-with.txt"), `${here}\n`);
  await browser?.close();
  await demo?.stop();
});

const token = (rest = "") => async () => `t/${await demo.id("Warehouse sync")}${rest}`;
const shots = {
  list: { path: async () => "" },
  attention: { path: async () => "attention" },
  create: { path: async () => "new?preset=warehouse" },
  reveal: {
    path: async () => "new?preset=warehouse",
    async then(page) {
      await page.getByLabel("Name", { exact: true }).fill("Warehouse in Malmö");
      await page.getByRole("button", { name: "Create token" }).click();
      await page.locator("#secret").waitFor();
      // How often the sentence beside the form was asked for decides which secret comes: one stands for all.
      await page.evaluate(() => {
        const field = document.querySelector("#secret");
        const shown = `acme_live_${"0123456789".repeat(6).slice(2)}`;
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) walker.currentNode.data = walker.currentNode.data.replaceAll(field.value, shown);
        field.value = shown;
      });
    },
  },
  token: { path: token() },
  "token-dark-narrow": { path: token(), colorScheme: "dark", viewport: { width: 390, height: 844 } },
  settings: { path: token("/settings") },
  rotation: { path: async () => `t/${await demo.id("Catalogue editor")}` },
  revoke: {
    path: token(),
    async then(page) {
      await page.locator("main").getByRole("link", { name: /^revoke/i }).first().click();
      await page.getByRole("dialog").waitFor();
    },
  },
  usage: { path: async () => "usage" },
};

for (const [name, { path, then, ...options }] of Object.entries(shots))
  test(`the page in the documentation is the page as it is: ${name}`, async (context) => {
    const person = await visitor(browser, demo, { reducedMotion: "reduce", ...options });
    const { page } = person;
    await person.go(await path());
    await then?.(page);
    await page.waitForLoadState("load");
    await page.evaluate(() => document.fonts.ready);
    await page.mouse.move(0, 0);
    const now = await page.screenshot({ animations: "disabled", caret: "hide", style: ".live output { visibility: hidden }" });
    await person.context.close();
    const file = join(folder, `${name}.png`);
    if (process.env.TOKENWARD_UPDATE) {
      await mkdir(folder, { recursive: true });
      const before = await readFile(file).catch(() => null);
      // What looks the same is left as it is, so that no commit grows for nothing.
      if (!before || made.trim() !== here || differing(before, now) > THRESHOLD) await writeFile(file, now);
      return;
    }
    const seen = await readFile(file);
    assert.ok(new Set(PNG.sync.read(now).data).size > 20, "something is drawn");
    assert.ok(seen.length <= 200 * 1024, `${seen.length} bytes`);
    if (made.trim() !== here)
      return context.diagnostic(`not compared: made with ${made.trim()}, and this is ${here}`);
    const differs = differing(seen, now);
    if (differs > THRESHOLD) {
      const aside = join(process.env.TOKENWARD_BROWSER_WORK, `${name}.png`);
      await writeFile(aside, now);
      assert.fail(`${differs.toFixed(1)} of a thousand pixels differ from docs/screenshots/${name}.png: see ${aside}, and run it with --update`);
    }
  });

/** The browser's version, and how wide its fonts are: with others every line is broken elsewhere. */
async function drawnWith() {
  const page = await browser.newPage();
  const widths = await page.evaluate(() => {
    const tool = document.createElement("canvas").getContext("2d");
    return ["system-ui", "sans-serif", "monospace"].map((font) => {
      tool.font = `20px ${font}`;
      return tool.measureText("Tokens, and what they may do: 0123456789").width.toFixed(2);
    });
  });
  await page.close();
  return `Chromium ${browser.version()}, text ${widths.join(" ")} wide`;
}

/** How many of a thousand pixels are not alike; all where the sizes differ. */
function differing(before, after) {
  const [left, right] = [PNG.sync.read(before), PNG.sync.read(after)];
  if (left.width !== right.width || left.height !== right.height) return 1000;
  let differ = 0;
  for (let at = 0; at < left.data.length; at += 4) {
    const far = Math.max(...[0, 1, 2].map((part) => Math.abs(left.data[at + part] - right.data[at + part])));
    if (far > 24) differ += 1;
  }
  return (differ * 4000) / left.data.length;
}
