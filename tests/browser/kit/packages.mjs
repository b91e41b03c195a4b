// Packages are installed below the target folder, so that nothing is written into the work tree.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const modules = process.env.TOKENWARD_NODE_MODULES;
if (!modules) throw new Error("Run it by tests/run browser, or name the folder of packages in TOKENWARD_NODE_MODULES.");
const require = createRequire(join(modules, "any.js"));

export const load = async (name) => {
  const loaded = await import(pathToFileURL(require.resolve(name)).href);
  return loaded.default ?? loaded;
};

export const text = (path) => readFile(require.resolve(path), "utf8");

export const pathOf = (path) => require.resolve(path);
