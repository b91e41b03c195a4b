// The script by its types, written as comments: TypeScript looks at it, nothing is built.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import test from "node:test";

import { pathOf } from "./kit/packages.mjs";

const assets = join(import.meta.dirname, "..", "..", "src", "dashboard", "assets");

test("TypeScript finds no mistake in the script", () => {
  const found = spawnSync(process.execPath, [
    pathOf("typescript/lib/tsc.js"),
    ..."--noEmit --checkJs --allowJs --strict --target es2022 --module esnext --moduleResolution bundler".split(" "),
    ..."--lib es2023,dom,dom.iterable --noUncheckedIndexedAccess".split(" "),
    join(assets, "dashboard.js"),
  ]);
  assert.equal(found.status, 0, String(found.stdout));
});
