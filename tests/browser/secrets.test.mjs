// A secret is on the one page that made it: in no log, no history, no address, no other page, and nothing
// that a browser keeps.

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

/** The part that opens something: start and last letters are shown on purpose. */
const essence = (text) => text.slice("acme_live_".length + 16, -10);

test("a secret is on the one page that made it and nowhere else", async () => {
  const person = await visitor(browser, demo);
  const { page, context } = person;
  const addresses = [];
  const bodies = new Map();
  context.on("request", (request) => addresses.push(request.url(), JSON.stringify(request.headers())));
  await person.go("new?preset=warehouse");
  await page.getByLabel("Name", { exact: true }).fill("Keeps to itself");
  // The sentence beside the form is asked for by POST as well: that one carries check=1.
  const creates = (request) => request.method() === "POST" && !/(^|&)check=/.test(request.postData() ?? "");
  const answered = page.waitForResponse((answer) => creates(answer.request()));
  await page.getByRole("button", { name: "Create token" }).click();
  const answer = await answered;
  assert.equal(answer.headers()["cache-control"], "no-store");
  const first = await page.locator("#secret").inputValue();
  assert.equal(await page.title().then((title) => title.includes(essence(first))), false);
  await page.getByLabel("I have stored it").check();
  await page.getByRole("button", { name: "Done" }).click();
  await page.waitForURL(/\/t\/tok_/);
  const id = /tok_[\w-]{16}/.exec(page.url())[0];

  // A second one by rotation, one typed into the search, and one looked up.
  await person.go(`t/${id}/rotate`);
  await page.getByRole("button", { name: "Rotate" }).click();
  const second = await page.locator("#secret").inputValue();
  await page.getByLabel("I have stored it").check();
  await page.getByRole("button", { name: "Done" }).click();
  await page.waitForURL(/\/t\/tok_/);
  await person.go("");
  await page.getByLabel("Search", { exact: true }).fill(second);
  await page.waitForURL(new RegExp(id));
  await fetch(`${demo.origin}/v1/orders`, { headers: { authorization: `Bearer ${second}` } });
  await fetch(`${demo.origin}/v1/orders`, { headers: { authorization: `Bearer ${first}` } });
  await demo.flush();

  for (const [name, path] of Object.entries({
    ...(await pages(demo)),
    own: `t/${id}`,
    "own calls": `t/${id}/calls`,
    "own history": `t/${id}/history`,
    "own settings": `t/${id}/settings`,
    "own dialog": `t/${id}/revoke`,
  }))
    bodies.set(name, await (await person.go(path)).text());
  bodies.set("history by the API", JSON.stringify((await demo.api("audit?limit=200")).body));
  bodies.set("calls by the API", JSON.stringify((await demo.api(`tokens/${id}/calls`)).body));
  bodies.set("what the browser keeps", await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, history.state])));
  bodies.set("cookies", JSON.stringify(await context.cookies()));
  bodies.set("addresses and headers that were sent", addresses.join("\n"));
  bodies.set("the log of the server", demo.log);

  const found = [];
  for (const [place, body] of bodies)
    for (const secret of [first, second]) if (body.includes(essence(secret))) found.push(place);
  assert.deepEqual(found, []);
  assert.ok(demo.log.includes(id), "the log is there");

  // Back to the page that made it: the browser asks again or shows it empty.
  page.on("dialog", (dialog) => dialog.accept());
  for (let step = 0; step < 3; step += 1) {
    await page.goBack().catch(() => null);
    assert.ok(!(await page.content()).includes(essence(first)), page.url());
  }
  await person.context.close();
});

test("a token in an address is neither searched for nor shown again", async () => {
  const { secret } = (await demo.tokens())["Google feed"];
  const answer = await fetch(`${demo.url}?q=${secret}`);
  assert.ok(!(await answer.text()).includes(essence(secret)));
  assert.ok(!demo.log.includes(essence(secret)));
});

test("a token that is typed into any field of the form is refused unseen", async () => {
  const person = await visitor(browser, demo, { access: "sign-in" });
  const { page } = person;
  const wrong = "acme_live_AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBCCCCCC";
  await person.go("");
  await page.locator("input[name=token]").fill(wrong);
  await page.getByRole("button", { name: /sign in/i }).click();
  await page.getByRole("alert").waitFor();
  assert.ok(!(await page.content()).includes(essence(wrong)), "what was typed is not shown again");
  assert.ok(!demo.log.includes(essence(wrong)));
  await person.leave();
});
