// What was looked at by a person and is kept in a file: it may shrink, and grows only by --update.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const folder = join(import.meta.dirname, "..", "seen");

/** Compares with `seen/<name>.json`, or takes what is there now for it. */
export async function asSeen(name, now, compare = assert.deepEqual) {
  const path = join(folder, `${name}.json`);
  if (process.env.TOKENWARD_UPDATE) return writeFile(path, `${JSON.stringify(now, null, 2)}\n`);
  const seen = JSON.parse(await readFile(path, "utf8"));
  compare(now, seen, `it is not as in tests/browser/seen/${name}.json: look at it, then run it with --update`);
}
