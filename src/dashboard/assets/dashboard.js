// Enhances pages that work without it. Every hook is a data-* attribute of a template.

/** @typedef {{ id: number, at: string, endpoint: string | null, status: number, outcome: string, duration_ms: number | null, scopes_used: string[], scopes_missing: string[], address?: string | null, agent?: string | null }} Call */

const page = document.documentElement;
const root = new URL(document.body.dataset.root || "./", location.href);
const local = page.dataset.zone !== "utc";

/** The clock is the server's: what a page says of times was true when it was sent. */
const ahead = page.dataset.now ? Date.parse(page.dataset.now) - Date.now() : 0;
const now = () => Date.now() + ahead;

/** @type {<E extends HTMLElement = HTMLElement>(selector: string, within?: ParentNode) => E | null} */
const one = (selector, within = document) => within.querySelector(selector);
/** @type {<E extends HTMLElement = HTMLElement>(selector: string, within?: ParentNode) => E[]} */
const all = (selector, within = document) => [...within.querySelectorAll(selector)].map((found) => /** @type {any} */ (found));
/** The element of an event, or around it, that a selector is for.
 * @type {<E extends HTMLElement = HTMLElement>(event: Event, selector: string) => E | null} */
const around = (event, selector) => event.target instanceof Element ? event.target.closest(selector) : null;
/** @param {string} tag @param {string} [text] @param {string} [style] */
const make = (tag, text = "", style = "") => {
  const made = document.createElement(tag);
  made.textContent = text;
  if (style) made.className = style;
  return made;
};
/** @type {<T extends unknown[]>(wait: number, act: (...given: T) => unknown) => (...given: T) => void} */
const settled = (wait, act) => {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = window.setTimeout(() => act(...given), wait);
  };
};

/** @type {{ createHTML(html: string): string }} */
const policy = /** @type {any} */ (window).trustedTypes?.createPolicy("tokenward", { createHTML: (/** @type {string} */ html) => html })
  ?? { createHTML: (/** @type {string} */ html) => html };
/** A page of this origin as a document: the only place that takes HTML.
 * @param {string} html */
const fragment = (html) => new DOMParser().parseFromString(policy.createHTML(html), "text/html");

/** Asks for a page of this origin. Its addresses are made whole, so that it may stand in another.
 * @param {string} address @param {RequestInit} [how] */
async function fetched(address, how = {}) {
  const reply = await fetch(address, { headers: { accept: "text/html" }, mode: "same-origin", ...how });
  const got = fragment(await reply.text());
  for (const name of ["href", "action", "formaction"]) {
    for (const element of got.querySelectorAll(`[${name}]`)) {
      const value = element.getAttribute(name) ?? "";
      if (!value.startsWith("#")) element.setAttribute(name, new URL(value, reply.url).href);
    }
  }
  for (const form of got.querySelectorAll("form:not([action])")) form.setAttribute("action", reply.url);
  return { got, reply };
}

const spoken = make("p", "", "hidden");
spoken.setAttribute("role", "status");
document.body.append(spoken);
/** Says something to whoever listens instead of looking. @param {string} text */
const say = (text) => {
  spoken.textContent = "";
  requestAnimationFrame(() => { spoken.textContent = text; });
};

// Times

const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const days = "Sun Mon Tue Wed Thu Fri Sat".split(" ");
/** @param {number} number */
const two = (number) => String(number).padStart(2, "0");
/** A time in the viewer's zone, with the parts that the text in UTC has.
 * @param {Date} time @param {string} like */
function written(time, like) {
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}${/:\d\d:\d\d/.test(like) ? ":" + two(time.getSeconds()) : ""}`;
  const date = `${time.getDate()} ${months[time.getMonth()]}`;
  return [
    days.some((day) => like.includes(day)) ? days[time.getDay()] : "",
    months.some((month) => like.includes(month)) ? date + (/\b\d{4}\b/.test(like) ? ` ${time.getFullYear()}` : "") + (/:/.test(like) ? "," : "") : "",
    /:/.test(like) ? clock : "",
  ].filter(Boolean).join(" ");
}
/** `12 s ago`, `in 3 days`: as the server says it. @param {number} at */
function relative(at) {
  const seconds = Math.trunc((now() - at) / 1000);
  const far = Math.abs(seconds);
  const length = far < 60 ? `${far} s` : far < 3600 ? `${Math.floor(far / 60)} min` : far < 86400 ? `${Math.floor(far / 3600)} h`
    : far < 172800 ? "1 day" : `${Math.floor(far / 86400).toLocaleString("en")} days`;
  return seconds === 0 ? "now" : seconds > 0 ? `${length} ago` : `in ${length}`;
}
const zone = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" }).formatToParts().find((part) => part.type === "timeZoneName")?.value ?? "";
/** @param {ParentNode} within */
function times(within) {
  for (const time of /** @type {HTMLTimeElement[]} */ (all("time[data-time]:not([data-said])", within))) {
    const text = time.textContent ?? "";
    time.dataset.said = "";
    if (!local) continue;
    time.title ||= text.includes("UTC") ? text : `${text} UTC`;
    time.textContent = written(new Date(time.dateTime), text) + (text.includes("UTC") && !time.closest("table") ? ` ${zone}` : "");
  }
}
function tick() {
  for (const time of /** @type {HTMLTimeElement[]} */ (all("time[data-relative]"))) {
    const text = relative(Date.parse(time.dateTime));
    if (time.textContent !== text) time.textContent = text;
  }
}
setInterval(() => { if (!document.hidden) tick(); }, 5000);

// Dialogs

/** Shows a page's `.dialog-body` above this one; a page that has none is gone to.
 * @param {string} address @param {HTMLElement | null} opener */
async function open(address, opener) {
  const { got, reply } = await fetched(address);
  const body = one(".dialog-body", got);
  if (!reply.ok || reply.redirected || !body) return location.assign(address);
  for (const element of all("[id]", body)) {
    // The page's own elements keep their names.
    if (!document.getElementById(element.id)) continue;
    const before = element.id;
    element.id = `dialog-${before}`;
    for (const name of ["for", "aria-describedby", "aria-labelledby", "aria-controls", "data-copy", "data-check", "href"]) {
      for (const user of all(`[${name}]`, body)) {
        const changed = (user.getAttribute(name) ?? "").split(" ").map((word) => word.replace(/^(#?)(.*)$/, (all, hash, id) => id === before ? hash + element.id : all));
        user.setAttribute(name, changed.join(" "));
      }
    }
  }
  const dialog = document.createElement("dialog");
  const heading = one("h1, h2", body);
  if (heading) {
    heading.id ||= "dialog-heading";
    dialog.setAttribute("aria-labelledby", heading.id);
  }
  dialog.append(document.adoptNode(body));
  document.body.append(dialog);
  enhance(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    opener?.focus();
  });
  dialog.showModal();
}

// Copying, and secrets

/** @param {HTMLElement} button */
async function copy(button) {
  const from = one(button.dataset.copy ?? "");
  if (!from) return;
  const field = from instanceof HTMLInputElement || from instanceof HTMLTextAreaElement ? from : null;
  try {
    await navigator.clipboard.writeText(field ? field.value : (from.textContent ?? "").trim());
  } catch {
    if (field) {
      field.setAttribute("type", "text");
      field.select();
    } else getSelection()?.selectAllChildren(from);
    return say("It could not be copied. It is selected: press Ctrl+C.");
  }
  say("Copied");
  const words = [...button.childNodes].find((node) => node.nodeType === Node.TEXT_NODE && node.nodeValue?.trim()) ?? button.querySelector("span");
  if (!words || button.dataset.done) return;
  const before = words.textContent;
  button.dataset.done = "";
  words.textContent = "Copied";
  setTimeout(() => {
    words.textContent = before;
    delete button.dataset.done;
  }, 2000);
}
/** @param {HTMLElement} button */
function hide(button) {
  const field = one(button.dataset.hideSecret ?? "");
  if (!(field instanceof HTMLInputElement)) return;
  const hidden = field.type === "text";
  field.type = hidden ? "password" : "text";
  for (const other of all("[data-secret]:not(input)")) other.classList.toggle("veiled", hidden);
  const words = button.querySelector("span") ?? button;
  words.textContent = hidden ? "Show" : "Hide";
}
let left = false;
addEventListener("beforeunload", (event) => {
  const form = one("form[data-warn-leave]");
  if (!left && form && !one("[type=checkbox]:checked", form)) event.preventDefault();
});
addEventListener("pagehide", () => {
  for (const element of all("[data-secret]")) {
    if (element instanceof HTMLInputElement) element.value = "";
    else element.textContent = "";
  }
});

// The list: search, a whole token pasted, many at once

let asked = new AbortController();
const search = settled(200, async (/** @type {HTMLFormElement} */ form) => {
  asked.abort();
  asked = new AbortController();
  const address = new URL(form.action);
  const said = [...new FormData(form)].filter(([, value]) => value !== "").map(([name, value]) => [name, String(value)]);
  address.search = new URLSearchParams(said).toString();
  const results = one("#results");
  results?.setAttribute("aria-busy", "true");
  try {
    const { got, reply } = await fetched(address.href, { signal: asked.signal });
    const fresh = one("#results", got);
    if (!reply.ok || !fresh || !results) return form.submit();
    results.replaceWith(document.adoptNode(fresh));
    enhance(fresh);
    history.replaceState(null, "", address);
    say(one("[data-summary]", fresh)?.textContent?.trim() ?? "");
  } catch (error) {
    if (!(error instanceof DOMException && error.name === "AbortError")) form.submit();
  }
});
/** A whole token is looked for by a form that is posted: it comes into no address.
 * @param {HTMLFormElement} form @param {string} text */
function find(form, text) {
  const token = text.trim();
  const prefix = `${form.dataset.prefix}_`;
  if (!form.dataset.prefix || !token.startsWith(prefix) || !/^[\w-]{58}$/.test(token.slice(prefix.length))) return false;
  for (const field of all("[type=search]", form)) /** @type {HTMLInputElement} */ (field).value = "";
  const post = Object.assign(document.createElement("form"), { method: "post", action: new URL(form.dataset.find ?? "find", location.href).href, hidden: true });
  post.append(Object.assign(document.createElement("input"), { name: "token", type: "hidden", value: token }));
  document.body.append(post);
  post.submit();
  post.remove();
  return true;
}
function selection() {
  for (const whole of /** @type {HTMLInputElement[]} */ (all("[data-select-all]"))) {
    whole.closest("label")?.removeAttribute("hidden");
    const boxes = all("tbody [type=checkbox]", whole.closest("table") ?? document);
    const ticked = boxes.filter((box) => /** @type {HTMLInputElement} */ (box).checked).length;
    whole.checked = ticked > 0 && ticked === boxes.length;
    whole.indeterminate = ticked > 0 && ticked < boxes.length;
    for (const place of all("[data-selected]")) place.textContent = ticked ? `${ticked} selected` : "";
  }
}

// What a form would do, before it is sent

const check = settled(300, async (/** @type {HTMLFormElement} */ form) => {
  const body = new URLSearchParams([...new FormData(form)].map(([name, value]) => [name, String(value)]));
  body.set("check", "1");
  const said = body.toString();
  form.dataset.checking = said;
  const { got } = await fetched(form.action, { method: "POST", body }).catch(() => ({ got: null }));
  // Another answer is on its way.
  if (!got || form.dataset.checking !== said) return;
  const selector = form.dataset.check ?? "";
  const fresh = all(selector.replaceAll("#dialog-", "#"), got);
  all(selector).forEach((before, place) => {
    const after = fresh[place];
    if (!after) return;
    before.replaceChildren(...[...after.childNodes].map((node) => document.adoptNode(node)));
    enhance(before);
  });
});

// Calls as they come

/** What a cell of the table says. @type {Record<string, (call: Call) => string | Node>} */
const cells = {
  time: (call) => {
    const time = Object.assign(document.createElement("time"), { dateTime: call.at });
    time.dataset.time = "";
    time.textContent = new Date(call.at).toISOString().slice(11, 19);
    return time;
  },
  call: (call) => make("code", call.endpoint ?? "–"),
  status: (call) => make("span", String(call.status), `status status-${Math.floor(call.status / 100)}`),
  scope: (call) => call.scopes_missing.length ? `lacked ${call.scopes_missing.join(", ")}` : call.scopes_used.join(", ") || "–",
  duration: (call) => call.duration_ms === null ? "–" : call.duration_ms < 10 ? `${call.duration_ms.toFixed(1)} ms` : `${Math.round(call.duration_ms)} ms`,
  address: (call) => call.address || "–",
  client: (call) => call.agent || "–",
};
/** @param {string} address */
const stream = (address) => new EventSource(new URL(address, address.startsWith(".") ? location.href : root));

/** @param {HTMLElement} body */
function live(body) {
  const table = body.closest("table");
  const heads = all("thead th", table ?? document);
  const bar = make("div", "", "live");
  const state = bar.appendChild(document.createElement("output"));
  const more = bar.appendChild(make("span"));
  const button = bar.appendChild(make("button", "Pause", "button"));
  button.setAttribute("type", "button");
  (table?.closest(".scroll") ?? table ?? body).before(bar);
  const [path = "", query = ""] = (body.dataset.live ?? "").split("?");
  let last = new URLSearchParams(query).get("after") ?? "0";
  let failures = 0, missed = 0, stopped = false, held = false, poll = 0;
  /** @type {Call[]} */
  let waiting = [];
  /** @type {EventSource | null} */
  let source = null;
  /** @param {string} text */
  const tell = (text) => { if (state.textContent !== text) state.textContent = text; };
  const paused = () => stopped || held;
  function show() {
    if (paused()) return;
    const rows = waiting.splice(0).slice(-50).map((call) => {
      const row = make("tr", "", "new");
      for (const head of heads) {
        const cell = make("td", "", head.className);
        cell.dataset.l = head.textContent?.trim() ?? "";
        cell.append(cells[head.dataset.field ?? ""]?.(call) ?? "");
        row.append(cell);
      }
      return row;
    });
    if (rows.length) all("[data-empty]", body).forEach((row) => row.remove());
    body.prepend(...rows.reverse());
    times(body);
    [...body.children].slice(50).forEach((row) => row.remove());
    more.textContent = missed ? `${missed.toLocaleString("en")} more not shown` : "";
  }
  function close() {
    source?.close();
    source = null;
    clearTimeout(poll);
  }
  function connect() {
    if (source || document.hidden || stopped) return;
    source = stream(`${path}?after=${last}`);
    source.addEventListener("open", () => {
      failures = 0;
      tell(held ? "Paused" : "Live");
    });
    source.addEventListener("call", (event) => {
      last = event.lastEventId || last;
      waiting.push(JSON.parse(event.data));
      missed += Math.max(0, waiting.length - 50);
      waiting = waiting.slice(-50);
      show();
    });
    source.addEventListener("lagged", (event) => {
      missed += JSON.parse(event.data).not_shown;
    });
    source.addEventListener("state", (event) => {
      const { state } = JSON.parse(event.data);
      if (state !== "gone") return;
      close();
      stopped = true;
      button.hidden = true;
      tell("Ended: you may not look at these calls any more");
    });
    source.addEventListener("error", () => {
      close();
      failures += 1;
      tell(failures < 2 ? "Reconnecting" : "Updated every 10 s");
      poll = window.setTimeout(connect, failures < 2 ? 2000 : 10000);
    });
  }
  /** @param {boolean} now */
  const hold = (now) => {
    held = now;
    if (stopped || !source) return;
    tell(paused() ? "Paused" : "Live");
    show();
  };
  button.addEventListener("click", () => {
    stopped = !stopped;
    button.textContent = stopped ? "Resume" : "Pause";
    if (stopped) {
      close();
      tell("Paused");
    } else connect();
  });
  body.addEventListener("pointerenter", () => hold(true));
  body.addEventListener("pointerleave", () => hold(false));
  body.addEventListener("focusin", () => hold(true));
  body.addEventListener("focusout", () => hold(false));
  document.addEventListener("visibilitychange", () => document.hidden ? close() : connect());
  connect();
}
/** @param {HTMLElement} place */
function firstCall(place) {
  const source = stream(place.dataset.firstCall ?? "");
  source.addEventListener("call", (event) => {
    source.close();
    /** @type {Call} */
    const call = JSON.parse(event.data);
    const at = new Date(call.at);
    place.textContent = `First call received ${local ? written(at, "00:00:00") : at.toISOString().slice(11, 19) + " UTC"}, ${call.endpoint ?? "no route"}, ${call.status}`;
    place.classList.add("notice-good");
  });
}

// Charts

/** Reads the table below a chart aloud, where the pointer or the arrow keys are. @param {HTMLElement} figure */
function chart(figure) {
  const svg = /** @type {SVGSVGElement | null} */ (figure.querySelector("svg[viewBox]:not(.icon)"));
  const rows = all("tbody tr", figure);
  if (!svg || !rows.length) return;
  const heads = all("thead th", figure).map((head) => head.textContent?.trim() ?? "");
  const output = one("output", figure) ?? figure.appendChild(document.createElement("output"));
  output.setAttribute("aria-live", "polite");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
  line.setAttribute("class", "cross");
  const { x, y, width, height } = svg.viewBox.baseVal;
  line.setAttribute("y1", String(y));
  line.setAttribute("y2", String(y + height));
  const places = rows.map((row, place) => Number(row.dataset.x ?? x + (place + 0.5) * width / rows.length));
  let at = -1;
  /** @param {number} place */
  const show = (place) => {
    at = Math.max(0, Math.min(rows.length - 1, place));
    line.setAttribute("x1", String(places[at]));
    line.setAttribute("x2", String(places[at]));
    svg.append(line);
    const [first, ...rest] = [...(rows[at]?.children ?? [])].map((cell, column) => ({ head: heads[column], text: cell.textContent?.trim() }));
    output.textContent = `${first?.text}: ${rest.map(({ head, text }) => `${head} ${text}`).join(", ")}`;
  };
  const clear = () => {
    line.remove();
    output.textContent = "";
    at = -1;
  };
  svg.tabIndex = 0;
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const under = x + (event.clientX - box.left) / box.width * width;
    const near = places.reduce((best, place, index) => Math.abs(place - under) < Math.abs((places[best] ?? 0) - under) ? index : best, 0);
    if (near !== at) show(near);
  });
  svg.addEventListener("pointerleave", clear);
  svg.addEventListener("blur", clear);
  svg.addEventListener("keydown", (event) => {
    const to = { ArrowLeft: at < 0 ? rows.length - 1 : at - 1, ArrowRight: at + 1, Home: 0, End: rows.length - 1 }[event.key];
    if (event.key === "Escape") clear();
    if (to === undefined) return;
    event.preventDefault();
    show(to);
  });
}

// Everything together

/** @param {ParentNode} within */
function enhance(within) {
  times(within);
  for (const button of all("[data-copy], [data-hide-secret]", within)) button.hidden = false;
  all("[data-live]", within).forEach(live);
  all("[data-first-call]", within).forEach(firstCall);
  all("[data-chart]", within).forEach(chart);
  selection();
}

document.addEventListener("click", (event) => {
  const button = around(event, "[data-copy], [data-hide-secret]");
  if (button) return button.dataset.copy ? void copy(button) : hide(button);
  const link = around(event, "a");
  if (!(link instanceof HTMLAnchorElement) || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const dialog = link.closest("dialog");
  if (dialog && link.dataset.close !== undefined) {
    event.preventDefault();
    dialog.close();
  } else if (!dialog && link.dataset.dialog !== undefined) {
    event.preventDefault();
    open(link.href, link).catch(() => location.assign(link.href));
  }
});
document.addEventListener("input", (event) => {
  const form = around(event, "form");
  if (!(form instanceof HTMLFormElement)) return;
  const field = event.target;
  if (form.dataset.search !== undefined && !(field instanceof HTMLInputElement && find(form, field.value))) search(form);
  if (form.dataset.check) check(form);
});
document.addEventListener("change", (event) => {
  const whole = around(event, "[data-select-all]");
  if (whole instanceof HTMLInputElement) {
    for (const box of all("tbody [type=checkbox]", whole.closest("table") ?? document)) /** @type {HTMLInputElement} */ (box).checked = whole.checked;
  }
  selection();
});
document.addEventListener("paste", (event) => {
  const form = around(event, "form[data-prefix]");
  if (form instanceof HTMLFormElement && find(form, event.clipboardData?.getData("text") ?? "")) event.preventDefault();
});
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement)) return;
  if (form.dataset.prefix && find(form, String(new FormData(form).get("q") ?? ""))) return event.preventDefault();
  if (form.dataset.warnLeave !== undefined) left = true;
  if (form.dataset.once === undefined) return;
  if (form.dataset.sent !== undefined) return event.preventDefault();
  form.dataset.sent = "";
  // Not before the form is read: a button that is disabled is not sent.
  setTimeout(() => all("button", form).forEach((button) => button.setAttribute("disabled", "")));
});
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of all("form[data-sent]")) {
    delete form.dataset.sent;
    all("button", form).forEach((button) => button.removeAttribute("disabled"));
  }
});
document.addEventListener("keydown", (event) => {
  if (page.dataset.keys === "off" || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (around(event, "input, textarea, select, [contenteditable]") || one("dialog[open]")) return;
  const place = event.key.length === 1 ? one(`[data-key="${CSS.escape(event.key)}"]`) : null;
  if (!place) return;
  if (place instanceof HTMLInputElement) place.focus();
  else place.click();
  event.preventDefault();
});
enhance(document);
