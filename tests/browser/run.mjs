// The dashboard in real browsers: `tests/run browser` provides what this needs.
//
//   node run.mjs [SUBJECT...]            all subjects, or only these
//   node run.mjs --update [SUBJECT...]   takes what is seen for what should be seen: look at it afterwards
//
// TOKENWARD_DEMO is the example dashboard_demo, TOKENWARD_NODE_MODULES the folder of packages, and
// TOKENWARD_BROWSER_WORK one to keep things in between two runs.

import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";

const here = import.meta.dirname;
const named = process.argv.slice(2).filter((argument) => argument !== "--update");
if (process.argv.includes("--update")) process.env.TOKENWARD_UPDATE = "1";

const subjects = (await readdir(here)).filter((file) => file.endsWith(".test.mjs"));
const unknown = named.filter((name) => !subjects.includes(`${name}.test.mjs`));
if (unknown.length) {
  console.error(`There is no subject ${unknown.join(", ")}.`);
  process.exit(2);
}

// One history of a month for all, and anew when the program that makes it has changed.
const hash = createHash("sha256");
for await (const piece of createReadStream(process.env.TOKENWARD_DEMO)) hash.update(piece);
const work = join(process.env.TOKENWARD_BROWSER_WORK, "seeded", hash.digest("hex").slice(0, 16));
if (!existsSync(work)) await rm(dirname(work), { recursive: true, force: true });
await mkdir(work, { recursive: true });
process.env.TOKENWARD_SEEDED = join(work, "seeded.db");
const { seed } = await import("./kit/demo.mjs");
await seed(process.env.TOKENWARD_SEEDED);

let failed = 0;
// The longest first, so that none is left to run alone at the end.
const first = ["accessibility", "journeys"];
const rank = (file) => (first.indexOf(file.replace(".test.mjs", "")) + first.length + 1) % (first.length + 1);
const files = (named.length ? named.map((name) => `${name}.test.mjs`) : subjects).sort((a, b) => rank(a) - rank(b));
const stream = run({ files: files.map((file) => join(here, file)), concurrency: 2, timeout: 280_000 });
stream.on("test:fail", () => (failed += 1));
stream.compose(new spec()).pipe(process.stdout);
stream.on("end", () => (process.exitCode = failed ? 1 : 0));
