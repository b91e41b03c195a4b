// The shortest way through, in Firefox, by WebDriver BiDi. Where there is no Firefox this says so, and is
// the one test that may be skipped.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import test from "node:test";

import { start } from "./kit/demo.mjs";
import { load } from "./kit/packages.mjs";

const FIREFOX = process.env.TOKENWARD_FIREFOX ?? "/usr/bin/firefox-esr";
const absent = !existsSync(FIREFOX) && `NOT TESTED IN FIREFOX: there is no ${FIREFOX} (Debian's package firefox-esr)`;
if (absent) console.error(absent);

test("create, use, pause and revoke a token in Firefox", { skip: absent }, async () => {
  const { launch } = await load("puppeteer-core");
  const demo = await start();
  const browser = await launch({ browser: "firefox", executablePath: FIREFOX, headless: true });
  try {
    const page = await browser.newPage();
    const problems = [];
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    page.on("pageerror", (error) => problems.push(String(error)));
    const press = async (selector) => {
      await page.waitForSelector(selector);
      await Promise.all([page.waitForNavigation(), page.click(selector)]);
    };
    await page.goto(demo.url);
    await press("a[href$='/new'], a[href='./new']");
    await press("a[href$='preset=warehouse']");
    await page.type("#name", "Made in Firefox");
    await press("form#token-form button.primary");
    const secret = await page.$eval("#secret", (field) => field.value);
    assert.match(secret, /^acme_live_/);
    await page.click("#stored");
    await press("form[data-warn-leave] button[type=submit]");
    const id = /tok_[\w-]{16}/.exec(page.url())[0];

    await page.waitForSelector(".live output");
    const answer = await fetch(`${demo.origin}/v1/orders`, { headers: { authorization: `Bearer ${secret}` } });
    assert.equal(answer.status, 200);
    await demo.flush();
    await page.waitForFunction(() => document.querySelector("[data-live] tr")?.textContent.includes("/v1/orders"));

    await page.click("main a[href$='/pause']");
    await page.waitForSelector("dialog[open] .dialog-body");
    await press("dialog button[type=submit]");
    assert.equal((await demo.api(`tokens/${id}`)).body.status, "paused");
    await page.click("main a[href$='/revoke']");
    await page.waitForSelector("dialog[open] .dialog-body");
    const name = await page.$("dialog input[name=name]");
    if (name) await name.type("Made in Firefox");
    await press("dialog button.danger");
    assert.equal((await demo.api(`tokens/${id}`)).body.status, "revoked");
    for (const path of ["", "usage", "history", "attention", "keys"]) {
      const shown = await page.goto(demo.url + path);
      assert.equal(shown.status(), 200, path);
    }
    assert.deepEqual(problems, []);
  } finally {
    await browser.close();
    await demo.stop();
  }
});
