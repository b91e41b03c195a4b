// axe-core on a page: what it is sure of, and what it leaves to a person.

import { text } from "./packages.mjs";

const source = await text("axe-core/axe.min.js");
const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** What is wrong, and what axe could not decide, each as one line. */
export async function axe(page, options = {}) {
  // By the protocol of its tools: the page's policy forbids what is written into it otherwise.
  const tools = await page.context().newCDPSession(page);
  await tools.send("Runtime.evaluate", { expression: `if (!globalThis.axe) {${source}}` });
  const expression = `axe.run(document, ${JSON.stringify({ runOnly: { type: "tag", values: WCAG }, resultTypes: ["violations", "incomplete"], ...options })})`;
  const { result, exceptionDetails } = await tools.send("Runtime.evaluate", {
    expression,
    awaitPromise: true,
    returnByValue: true,
  });
  await tools.detach();
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  const lines = (found) =>
    found.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary?.split("\n").slice(1).join(" ").trim()}`),
    );
  return {
    violations: lines(result.value.violations),
    undecided: result.value.incomplete.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${withoutIds(target.join(" "))}`)),
  };
}

const withoutIds = (text) => text.replace(/tok_[\w-]{16}/g, "tok").replace(/#entry-\d+/g, "#entry").replace(/:nth-child\(\d+\)/g, "");
