// The example dashboard_demo: started with tokens that are the same every time, and steered.

import { spawn } from "node:child_process";
import { copyFile, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const NOW = "2026-11-24T14:00:00Z";
const program = process.env.TOKENWARD_DEMO;
const seeded = process.env.TOKENWARD_SEEDED;
const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

/** Starts it; `options` are those of the command line. Tokens are there unless `--empty` is said. */
export async function start(...options) {
  const folder = await mkdtemp(join(tmpdir(), "tokenward-browser-"));
  const database = join(folder, "demo.db");
  if (!options.includes("--empty")) {
    await copyFile(seeded, database);
    await copyFile(seeded.replace(/db$/, "secrets.json"), join(folder, "demo.secrets.json"));
  }
  const demo = new Demo(folder, ["--database", database, "--clock", NOW, ...options]);
  await demo.open();
  return demo;
}

/** Makes the database that all others are copies of. */
export async function seed(database) {
  if (await stat(database).catch(() => null)) return;
  const demo = new Demo(null, ["--database", database, "--clock", NOW]);
  await demo.open();
  // Once it answers it also hears signals, and closes its database when it ends.
  await demo.flush();
  await demo.end("SIGINT");
}

class Demo {
  #folder;
  #options;
  #child;
  #exit;
  #starts = 0;
  /** All that it has written to its log. */
  log = "";

  constructor(folder, options) {
    this.#folder = folder;
    this.#options = options;
  }

  async open() {
    const child = spawn(program, this.#options, { env: { ...process.env, RUST_LOG: "TRACE" } });
    running.add(child);
    this.#child = child;
    this.#exit = new Promise((resolve) => child.on("exit", resolve));
    child.stderr.on("data", (data) => (this.log += data));
    let line = "";
    const opened = new Promise((resolve) =>
      child.stdout.on("data", (data) => {
        line += data;
        if (line.endsWith("\n")) resolve();
      }),
    );
    await Promise.race([
      opened,
      this.#exit.then(() => {
        throw new Error(`The demonstration did not start:\n${this.log}`);
      }),
    ]);
    const said = JSON.parse(line);
    this.url = said.dashboard;
    this.origin = new URL(said.dashboard).origin;
    this.port = new URL(said.dashboard).port;
    this.controls = said.controls;
  }

  async #control(path, body) {
    const init = body && { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } };
    const answer = await fetch(`${this.controls}/${path}`, init);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  /** Lets the clock go on. */
  advance = (seconds) => this.#control("advance", { seconds });
  /** Writes down what was counted, as a service does every second. */
  flush = () => this.#control("flush", {});
  /** Calls with a token (`token`, its text, or `name`) and writes it down. */
  async call(how) {
    const answers = await this.#control("call", how);
    await this.flush();
    return answers;
  }
  /** The tokens that were made up, by their names. */
  async tokens() {
    this.made ??= Object.fromEntries((await this.#control("tokens")).map((token) => [token.name, token]));
    return this.made;
  }
  async id(name) {
    const token = (await this.tokens())[name];
    if (!token) throw new Error(`There is no token ${name}.`);
    return token.id;
  }
  /** The admin API's answer. */
  async api(path, options = {}) {
    const answer = await fetch(`${this.origin}/admin/api/v1/${path}`, {
      ...options,
      headers: { "sec-fetch-site": "same-origin", ...options.headers },
    });
    return { status: answer.status, body: await answer.json().catch(() => null) };
  }

  async end(signal) {
    this.#child.kill(signal);
    await this.#exit;
    running.delete(this.#child);
  }
  /** Kills it as a crash would. */
  kill = () => this.end("SIGKILL");
  /** With another seed: a process of its own names itself, and its ids, by itself. */
  async reopen() {
    this.#starts += 1;
    this.#options = [...this.#options, "--port", this.port, "--seed", String(42 + this.#starts)];
    await this.open();
  }
  async stop() {
    if (running.has(this.#child)) await this.end("SIGKILL");
    await rm(this.#folder, { recursive: true, force: true });
  }
}
