// A token's whole life, as people go through it: with JavaScript and without, by the same steps.

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

/** The made-up API's answer to a real request. */
const real = async (token, path = "/v1/orders", method = "GET") => {
  const answer = await fetch(demo.origin + path, { method, headers: { authorization: `Bearer ${token}` } });
  await demo.flush();
  return { status: answer.status, code: (await answer.json().catch(() => null))?.code };
};

const idIn = (page) => /\/t\/(tok_[\w-]{16})/.exec(page.url())?.[1];

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "with JavaScript" : "without JavaScript";
  const journey = (name, steps) =>
    test(`${name}, ${how}`, async () => {
      const person = await visitor(browser, demo, { javaScriptEnabled });
      await steps(person);
      await person.leave();
    });

  /** Creates one and stays on the page that shows it. */
  async function create(person, { preset, name, ...more }) {
    const { page } = person;
    await person.go("");
    await page.getByRole("link", { name: /create token|create the first/i }).first().click();
    if (preset) await page.getByRole("link", { name: preset }).click();
    await page.getByLabel("Name", { exact: true }).fill(name);
    if (more.perMinute) await page.getByLabel("Calls per minute").fill(String(more.perMinute));
    await page.getByRole("button", { name: "Create token" }).click();
    const secret = await page.locator("#secret").inputValue();
    assert.match(secret, /^acme_live_[\w-]{58}$/);
    return secret;
  }

  /** Says that it is stored, and goes on to the token's page. */
  async function done(page) {
    await page.getByLabel("I have stored it").check();
    await page.getByRole("button", { name: "Done" }).click();
    await page.waitForURL(/\/t\/tok_/);
    return idIn(page);
  }

  /** From a token's page to one of its dialogs, which is a page without JavaScript. */
  async function dialog(page, name) {
    await page.locator("main").getByRole("link", { name }).first().click();
    const body = page.locator(javaScriptEnabled ? "dialog .dialog-body" : "main .dialog-body");
    await body.waitFor();
    return body;
  }

  const flash = (page, text) => page.locator("#flash").getByText(text).first().waitFor();

  for (const [preset, scopes] of [
    ["Read-only reporting", ["orders:read", "products:read", "analytics:read"]],
    ["Warehouse sync", ["orders:read", "orders:write", "products:read"]],
    ["Product feed", ["products:read"]],
  ])
    journey(`create a token for: ${preset}`, async (person) => {
      const { page } = person;
      const secret = await create(person, { preset, name: `Made for ${preset}` });
      const id = await done(page);
      const { body } = await demo.api(`tokens/${id}`);
      assert.deepEqual(body.scopes.sort(), scopes.sort());
      assert.equal(body.name, `Made for ${preset}`);
      assert.equal((await real(secret, scopes.includes("orders:read") ? "/v1/orders" : "/v1/products")).status, 200);
      await page.reload();
      await page.getByText("GET /v1/").first().waitFor();
    });

  journey("create a token without scopes, and add the one that it lacked", async (person) => {
    const { page } = person;
    const secret = await create(person, { preset: "Start empty", name: "Learns what it needs" });
    const id = await done(page);
    assert.deepEqual(await real(secret), { status: 403, code: "insufficient-scope" });
    await page.reload();
    await page.getByText(/orders:read/).first().waitFor();
    await page.locator("main").getByRole("link", { name: "Edit" }).click();
    await page.locator("input[value='orders:read']").first().check();
    await page.getByRole("button", { name: /^save/i }).first().click();
    await flash(page, /saved/i);
    assert.equal((await real(secret)).status, 200);
    assert.deepEqual((await demo.api(`tokens/${id}`)).body.scopes, ["orders:read"]);
  });

  journey("a mistake in the form keeps what was typed", async (person) => {
    const { page } = person;
    await person.go("new?preset=warehouse");
    await page.getByLabel("Name", { exact: true }).fill("Half right");
    await page.getByLabel("Description").fill("Ask Maria");
    await page.getByLabel("Calls per minute").fill("0");
    await page.getByRole("button", { name: "Create token" }).click();
    await page.getByRole("alert").getByRole("link", { name: /per minute/i }).waitFor();
    assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "Half right");
    assert.equal(await page.getByLabel("Description").inputValue(), "Ask Maria");
    assert.equal(await page.getByLabel("Calls per minute").inputValue(), "0");
  });

  journey("a double click makes one token, and a reload shows no secret again", async (person) => {
    const { page } = person;
    const name = `Twice ${how}`;
    await person.go("new?preset=feed");
    await page.getByLabel("Name", { exact: true }).fill(name);
    await page.getByRole("button", { name: "Create token" }).dblclick();
    await page.getByText(/this is the only time|already/i).first().waitFor();
    const { body } = await demo.api(`tokens?q=${encodeURIComponent(name)}`);
    assert.equal(body.data.length, 1);
    page.on("dialog", (dialog) => dialog.accept());
    await page.reload();
    assert.equal(await page.locator("#secret").count(), 0);
    await page.getByText(/already|once/i).first().waitFor();
    assert.equal((await demo.api(`tokens?q=${encodeURIComponent(name)}`)).body.data.length, 1);
  });

  journey("lower the limit: what would have been refused is told before it is saved", async (person) => {
    const { page } = person;
    const id = await demo.id("Nordic POS");
    await person.go(`t/${id}/settings`);
    await page.getByLabel("Calls per minute").fill("100");
    if (!javaScriptEnabled) await page.getByRole("button", { name: /check|what would|effect/i }).last().click();
    await page.getByText(/\d+ of the last 1,440 minutes/).first().waitFor();
    assert.equal((await demo.api(`tokens/${id}`)).body.rate_limit.per_minute, 120, "nothing is saved yet");
  });

  journey("rotate: by default the old secret is dead at once", async (person) => {
    const { page } = person;
    const old = await create(person, { preset: "Warehouse sync", name: "Rotated at once" });
    await done(page);
    const body = await dialog(page, /^rotate/i);
    await body.getByRole("button", { name: "Rotate" }).click();
    const fresh = await page.locator("#secret").inputValue();
    assert.notEqual(fresh, old);
    await done(page);
    assert.deepEqual(await real(old), { status: 401, code: "token-rotated" });
    assert.equal((await real(fresh)).status, 200);
  });

  journey("rotate with grace: both work, the page tells who still has the old one, and it can be ended", async (person) => {
    const { page } = person;
    const old = await create(person, { preset: "Warehouse sync", name: "Rotated with grace" });
    await done(page);
    const body = await dialog(page, /^rotate/i);
    await body.locator("input[name=grace][value='86400']").check();
    await body.getByRole("button", { name: "Rotate" }).click();
    const fresh = await page.locator("#secret").inputValue();
    await done(page);
    assert.equal((await real(old)).status, 200);
    assert.equal((await real(fresh)).status, 200);
    await page.reload();
    await page.getByText(/rotation/i).first().waitFor();
    await page.locator("main").getByRole("button", { name: /end (the )?old secret/i }).click();
    await flash(page, /old secret/i);
    assert.equal((await real(old)).status, 401);
    assert.equal((await real(fresh)).status, 200);
  });

  journey("a grace period that runs out ends the old secret", async (person) => {
    const { page } = person;
    const old = await create(person, { preset: "Warehouse sync", name: "Grace runs out" });
    await done(page);
    const body = await dialog(page, /^rotate/i);
    await body.locator("input[name=grace][value='3600']").check();
    await body.getByRole("button", { name: "Rotate" }).click();
    await done(page);
    assert.equal((await real(old)).status, 200);
    await demo.advance(3600);
    assert.equal((await real(old)).status, 401);
  });

  journey("pause: calls are refused, and it resumes by itself", async (person) => {
    const { page } = person;
    const secret = await create(person, { preset: "Warehouse sync", name: "Paused a while" });
    await done(page);
    const body = await dialog(page, /^pause/i);
    await body.getByLabel(/10 min/).check();
    await body.getByLabel(/reason/i).fill("looks odd");
    await body.getByRole("button", { name: "Pause" }).click();
    await flash(page, /paused/i);
    assert.deepEqual(await real(secret), { status: 403, code: "token-paused" });
    await page.reload();
    await page.getByText("Paused", { exact: false }).first().waitFor();
    await demo.advance(600);
    assert.equal((await real(secret)).status, 200);
    await page.reload();
    await page.locator("main").getByText("Active").first().waitFor();
  });

  journey("revoke what is in use: by its name, and the next call is refused", async (person) => {
    const { page } = person;
    const secret = await create(person, { preset: "Warehouse sync", name: "Soon gone" });
    const id = await done(page);
    for (let calls = 0; calls < 3; calls += 1) await real(secret);
    await page.reload();
    let body = await dialog(page, /^revoke/i);
    await body.getByText(/3 calls/).first().waitFor();
    await body.getByRole("button", { name: "Revoke for good" }).click();
    await page.getByRole("alert").waitFor();
    assert.equal((await real(secret)).status, 200, "without its name it is not revoked");
    body = page.locator(".dialog-body");
    await body.getByLabel(/type/i).fill("Soon gone");
    await body.getByLabel(/^reason/i).fill("test is over");
    await body.getByRole("button", { name: "Revoke for good" }).click();
    await flash(page, /revoked/i);
    assert.deepEqual(await real(secret), { status: 401, code: "token-revoked" });
    const { body: token } = await demo.api(`tokens/${id}`);
    assert.equal(token.status, "revoked");
    // Like it again, and the dead one deleted.
    await page.locator("main").getByRole("link", { name: /create one like it/i }).first().click();
    assert.equal(await page.getByLabel("Calls per minute").inputValue(), "60");
    await person.go(`t/${id}`);
    body = await dialog(page, /^delete/i);
    await body.getByRole("button", { name: /^delete/i }).click();
    await flash(page, /deleted/i);
    assert.equal((await demo.api(`tokens/${id}`)).status, 404);
    await person.go("history");
    await page.getByText("Soon gone").first().waitFor();
    await page.getByText("test is over").first().waitFor();
  });

  journey("revoke what was never used: no typing", async (person) => {
    const { page } = person;
    const secret = await create(person, { preset: "Product feed", name: "Never needed" });
    await done(page);
    const body = await dialog(page, /^revoke/i);
    assert.equal(await body.getByLabel(/type/i).count(), 0);
    await body.getByRole("button", { name: "Revoke for good" }).click();
    await flash(page, /revoked/i);
    assert.equal((await real(secret, "/v1/products")).status, 401);
  });

  journey("edit in place: history tells what it was and what it is", async (person) => {
    const { page } = person;
    await create(person, { preset: "Warehouse sync", name: "Renamed before" });
    const id = await done(page);
    await page.locator("main").getByRole("link", { name: "Edit" }).click();
    await page.getByLabel("Name", { exact: true }).fill("Renamed after");
    await page.getByLabel("Calls per minute").fill("77");
    await page.getByRole("button", { name: /^save/i }).first().click();
    await flash(page, /saved/i);
    await person.go(`t/${id}/history`);
    const text = await page.locator("main").innerText();
    for (const part of ["Renamed before", "Renamed after", "60", "77", "maria@acme.example"])
      assert.ok(text.includes(part), `${part} in ${text}`);
  });

  journey("two people at once: the second is told", async (person) => {
    const { page } = person;
    await create(person, { preset: "Warehouse sync", name: "Contested" });
    const id = await done(page);
    await person.go(`t/${id}/settings`);
    const changed = await demo.api(`tokens/${id}`, {
      method: "PATCH",
      body: JSON.stringify({ description: "by somebody else" }),
      headers: { "content-type": "application/merge-patch+json" },
    });
    assert.equal(changed.status, 200);
    await page.getByLabel("Name", { exact: true }).fill("Contested by me");
    await page.getByRole("button", { name: /^save/i }).first().click();
    await page.getByText(/changed/i).first().waitFor();
    assert.equal((await demo.api(`tokens/${id}`)).body.name, "Contested");
  });

  journey("several at once: pause, extend, revoke", async (person) => {
    const { page } = person;
    const names = ["first", "second"].map((which) => `Many ${which} ${javaScriptEnabled ? "on" : "off"}`);
    for (const name of names) {
      await create(person, { preset: "Product feed", name });
      await done(page);
    }
    const choose = async (action) => {
      await person.go(`?q=${encodeURIComponent("Many ")}`);
      for (const name of names) await page.getByLabel(`Choose ${name}`).check();
      await page.getByRole("button", { name: action }).click();
      await page.waitForURL(/bulk/);
    };
    const states = async () =>
      (await demo.api("tokens?q=Many&limit=50")).body.data.filter(({ name }) => names.includes(name)).map(({ status }) => status);
    await choose(/^pause/i);
    await page.locator("main").getByRole("button", { name: /^pause/i }).last().click();
    await page.getByText(/paused/i).first().waitFor();
    assert.deepEqual(await states(), ["paused", "paused"]);
    await choose(/^revoke/i);
    for (const name of names) await page.locator("main").getByText(name).first().waitFor();
    const typed = page.locator("main").getByLabel(/type/i);
    if (await typed.count()) await typed.fill("2");
    await page.locator("main").getByRole("button", { name: /^revoke/i }).last().click();
    await page.getByText(/revoked/i).first().waitFor();
    const left = (await demo.api("tokens?q=Many&status=revoked&limit=50")).body.data.filter(({ name }) => names.includes(name));
    assert.equal(left.length, 2);
  });

  journey("search, sort and filter are an address", async (person) => {
    const { page } = person;
    await person.go("");
    await page.getByLabel("Search", { exact: true }).fill("printer");
    if (!javaScriptEnabled) await page.getByRole("button", { name: "Search" }).click();
    await page.waitForURL(/q=printer/);
    await page.getByRole("link", { name: "Label printer" }).waitFor();
    assert.equal(await page.getByRole("link", { name: "Google feed" }).count(), 0);
    const address = page.url();
    await page.goto(address);
    await page.getByRole("link", { name: "Printer in the basement" }).waitFor();
  });

  journey("a whole token is found without coming into an address", async (person) => {
    const { page } = person;
    const { secret, id } = (await demo.tokens())["Google feed"];
    await person.go("");
    if (javaScriptEnabled) {
      await page.getByLabel("Search", { exact: true }).fill(secret);
    } else {
      await page.getByText("Which token is this?").click();
      await page.getByLabel("Whole token").fill(secret);
      await page.getByRole("button", { name: "Look it up" }).click();
    }
    await page.waitForURL(new RegExp(`/t/${id}$`));
    await page.getByRole("heading", { name: "Google feed" }).waitFor();
  });

  journey("whoever holds little can grant little", async (person) => {
    const { page, context } = person;
    await context.addCookies([{ name: "demo_access", value: "orders", url: demo.origin }]);
    await person.go("new");
    assert.equal(await page.locator("input[value='customers:read']").first().isDisabled(), true);
    assert.equal(await page.locator("input[value='orders:read']").first().isDisabled(), false);
  });

  journey("colours and times are remembered", async (person) => {
    const { page } = person;
    await person.go("");
    await page.getByRole("button", { name: "Dark" }).click();
    assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
    await page.getByRole("button", { name: "UTC" }).click();
    await person.go("usage");
    assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
    assert.equal(await page.locator("html").getAttribute("data-zone"), "utc");
  });

  journey("sign in with a token, look, and sign out", async (person) => {
    const { page, context } = person;
    const made = await demo.api("tokens", {
      method: "POST",
      body: JSON.stringify({ name: `Admin ${how}`, scopes: ["tokens:read"], rate_limit: { per_minute: 60 } }),
      headers: { "content-type": "application/json" },
    });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    await context.addCookies([{ name: "demo_access", value: "sign-in", url: demo.origin }]);
    await person.go("usage");
    await page.locator("input[name=token]").fill(made.body.secret);
    await page.getByRole("button", { name: /sign in/i }).click();
    await page.waitForURL(/\/usage$/);
    await person.go("");
    await page.getByRole("link", { name: "Google feed" }).waitFor();
    assert.equal(await page.getByRole("link", { name: /create token/i }).count(), 0, "it may only look");
    await page.getByRole("button", { name: /sign out/i }).click();
    await person.go("");
    await page.locator("input[name=token]").waitFor();
  });
}

test("copying puts the whole token on the clipboard and says so", async () => {
  const person = await visitor(browser, demo);
  const { page, context } = person;
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: demo.origin });
  await person.go("new?preset=feed");
  await page.getByLabel("Name", { exact: true }).fill("Copied");
  await page.getByRole("button", { name: "Create token" }).click();
  const secret = await page.locator("#secret").inputValue();
  await page.getByRole("button", { name: "Copy", exact: true }).click();
  await page.getByRole("status").filter({ hasText: "Copied" }).first().waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret);
  await person.context.close();
});

test("leaving the only page with a secret asks once, until it is said to be stored", async () => {
  const person = await visitor(browser, demo);
  const { page } = person;
  await person.go("new?preset=feed");
  await page.getByLabel("Name", { exact: true }).fill("Asked");
  await page.getByRole("button", { name: "Create token" }).click();
  await page.locator("#secret").waitFor();
  let asked = 0;
  page.on("dialog", async (dialog) => {
    asked += 1;
    await dialog.dismiss();
  });
  await page.getByRole("link", { name: "Usage" }).click();
  await page.waitForTimeout(300);
  assert.equal(asked, 1);
  assert.equal(await page.locator("#secret").count(), 1, "still there");
  await page.getByLabel("I have stored it").check();
  await page.getByRole("button", { name: "Done" }).click();
  await page.waitForURL(/\/t\/tok_/);
  assert.equal(asked, 1);
  await person.leave();
});
