// Enhances pages that work without it. Every hook is a data-* attribute of a template.
/** @typedef {Record<string, any>} Call */
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
/** @type {(wait: number, act: (form: HTMLFormElement) => unknown) => (form: HTMLFormElement) => void} */
const settled = (wait, act) => {
  let timer = 0;
  return (form) => {
    clearTimeout(timer);
    timer = window.setTimeout(act, wait, form);
  };
};
const plain = { createHTML: (/** @type {string} */ html) => html };
const policy = /** @type {any} */ (window).trustedTypes?.createPolicy("tokenward", plain) ?? plain;
/** A page of this origin as a document: the only place that takes HTML.
 * @param {string} html */
const fragment = (html) => new DOMParser().parseFromString(policy.createHTML(html), "text/html");
/** Asks for a page of this origin. Its addresses are made whole, so that it may stand in another.
 * @param {string} address @param {RequestInit} [how] */
async function fetched(address, how = {}) {
  const reply = await fetch(address, { headers: { accept: "text/html" }, mode: "same-origin", ...how });
  const got = fragment(await reply.text());
  for (const name of ["href", "action"]) {
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
  setTimeout(() => { spoken.textContent = text; }, 50);
};

// Times
/** A time in the viewer's zone, with the parts that the text in UTC has.
 * @param {string} time @param {string} like */
function written(time, like) {
  /** @type {<V extends string>(part: RegExp, value: V) => V | undefined} */
  const has = (part, value) => part.test(like) ? value : undefined;
  return new Intl.DateTimeFormat("en-GB", {
    weekday: has(/(Sun|Mon|Tue|Wed|Thu|Fri|Sat) /, "short"),
    day: has(/\d [A-Z][a-z]/, "numeric"),
    month: has(/\d [A-Z][a-z]/, "short"),
    year: has(/ \d{4}/, "numeric"),
    hour: has(/:/, "2-digit"),
    minute: has(/:/, "2-digit"),
    second: has(/:\d\d:/, "2-digit"),
    timeZoneName: has(/UTC/, "short"),
  }).format(new Date(time)).replace("Sept", "Sep").replace(/^([A-Z]\w+),/, "$1");
}
/** `12 s ago`, `in 3 days`: as the server says it. @param {number} at */
function relative(at) {
  const seconds = Math.trunc((now() - at) / 1000);
  const far = Math.abs(seconds);
  const [size, unit] = far < 60 ? [1, "s"] : far < 3600 ? [60, "min"] : far < 86400 ? [3600, "h"] : [86400, far < 172800 ? "day" : "days"];
  const length = `${Math.floor(far / size).toLocaleString("en")} ${unit}`;
  return seconds === 0 ? "now" : seconds > 0 ? `${length} ago` : `in ${length}`;
}
/** @param {ParentNode} within */
function times(within) {
  for (const time of /** @type {HTMLTimeElement[]} */ (all("time[data-time]:not([data-said])", within))) {
    const text = time.textContent ?? "";
    time.dataset.said = "";
    if (!local) continue;
    time.title ||= text.includes("UTC") ? text : `${text} UTC`;
    time.textContent = written(time.dateTime, time.closest("table") ? text.replace("UTC", "") : text)
      + (time.dataset.both === undefined ? "" : ` (${text})`);
  }
}
setInterval(() => {
  for (const time of /** @type {HTMLTimeElement[]} */ (all("time[data-relative]"))) time.textContent = relative(Date.parse(time.dateTime));
}, 5000);

// Dialogs
/** Shows a page's `.dialog-body` above this one; a page that has none is gone to.
 * @param {string} address @param {HTMLElement | null} opener */
async function open(address, opener) {
  const { got, reply } = await fetched(address);
  const body = one(".dialog-body", got);
  if (!reply.ok || reply.redirected || !body) return location.assign(address);
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
/** What is written on a button beside its icon. @param {HTMLElement} button */
const label = (button) => [...button.childNodes].find((node) => node.nodeType === Node.TEXT_NODE && node.nodeValue?.trim()) ?? button.querySelector("span");
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
  const words = label(button);
  if (!words || words.textContent === "Copied") return;
  const before = words.textContent;
  words.textContent = "Copied";
  setTimeout(() => { words.textContent = before; }, 2000);
}
/** @param {HTMLElement} button */
function hide(button) {
  const field = one(button.dataset.hideSecret ?? "");
  if (!(field instanceof HTMLInputElement)) return;
  const hidden = field.type === "text";
  field.type = hidden ? "password" : "text";
  for (const other of all("[data-secret]:not(input)")) other.classList.toggle("veiled", hidden);
  const words = label(button);
  if (words) words.textContent = hidden ? "Show" : "Hide";
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
/** @param {HTMLFormElement} form @param {(value: unknown) => boolean} fits */
const entries = (form, fits) => new URLSearchParams([...new FormData(form)].filter(([, value]) => fits(value)).map(([name, value]) => [name, String(value)]));
let asked = new AbortController();
const search = settled(200, async (form) => {
  asked.abort();
  asked = new AbortController();
  const address = new URL(form.action);
  address.search = entries(form, (value) => value !== "").toString();
  const results = one("#results");
  results?.setAttribute("aria-busy", "true");
  try {
    const { got, reply } = await fetched(address.href, { signal: asked.signal });
    const fresh = one("#results", got);
    if (!reply.ok || !fresh || !results) return form.submit();
    results.replaceWith(document.adoptNode(fresh));
    enhance(fresh);
    history.replaceState(null, "", address);
    say(one("#total", fresh)?.textContent?.trim() ?? "");
  } catch (error) {
    if (!(error instanceof DOMException && error.name === "AbortError")) form.submit();
  }
});
/** A token, or enough of one that a part of its secret is there, is posted: it comes into no address.
 * @param {HTMLFormElement} form @param {string} text */
function find(form, text) {
  const prefix = form.dataset.prefix;
  const token = prefix && text.includes(prefix) ? text.slice(text.indexOf(prefix)).match(/^[\w-]+/)?.[0] : "";
  if (!prefix || !token || token.length <= prefix.length + 16) return false;
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
  }
}

// What a form would do, before it is sent
const check = settled(300, async (form) => {
  const body = entries(form, () => true);
  body.set("check", "1");
  const said = body.toString();
  form.dataset.checking = said;
  const { got } = await fetched(form.action, { method: "POST", body }).catch(() => ({ got: null }));
  // Another answer is on its way.
  if (!got || form.dataset.checking !== said) return;
  const fresh = all(form.dataset.check ?? "", got);
  all(form.dataset.check ?? "").forEach((before, place) => {
    before.replaceChildren(...(fresh[place] ?? before).childNodes);
    enhance(before);
  });
});

// Calls as they come
/** What a cell of the table says. @type {Record<string, (call: Call) => string | Node>} */
const cells = {
  at: (call) => {
    const time = Object.assign(document.createElement("time"), { dateTime: call.at, textContent: `${call.at.slice(11, 19)} UTC` });
    time.dataset.time = "clock";
    return time;
  },
  endpoint: (call) => make("bdi", call.endpoint ?? "–"),
  status: (call) => {
    const granted = call.outcome === "granted";
    const both = document.createDocumentFragment();
    both.append(make("span", String(call.status), `status status-${granted ? `${Math.floor(call.status / 100)}xx` : call.status === 429 ? "limited" : "denied"}`));
    if (!granted) both.append(` ${call.scopes_missing.length ? `lacked ${call.scopes_missing.join(", ")}` : call.outcome.replaceAll("_", " ")}`);
    return both;
  },
  scopes: (call) => call.scopes_used.join(", ") || "–",
  ms: (call) => call.duration_ms === null ? "–" : call.duration_ms < 10 ? `${call.duration_ms.toFixed(1)} ms` : `${Math.round(call.duration_ms)} ms`,
  ip: (call) => make("bdi", call.ip ?? "–"),
  agent: (call) => make("bdi", call.agent ?? "–"),
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
  /** @param {HTMLElement} rows */
  const after = (rows) => rows.dataset.live?.split("after=")[1] ?? "0";
  const path = body.dataset.live?.split("?")[0];
  let last = after(body);
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
    const rows = waiting.splice(0).map((call) => {
      const row = make("tr", "", "new");
      for (const head of heads) {
        const name = head.dataset.c ?? "";
        const cell = make("td", "", /endpoint|scopes|ip/.test(name) ? "mono" : head.className);
        cell.dataset.l = head.textContent?.trim() ?? "";
        cell.append(cells[name]?.(call) ?? "");
        row.append(cell);
      }
      return row;
    });
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
    source.addEventListener("open", () => { failures = 0; });
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
      if (state === "opened") tell(held ? "Paused" : "Live");
      else tell("Reconnecting");
      if (state !== "gone") return;
      close();
      stopped = button.hidden = true;
      tell("Ended: you may not look at these calls any more");
    });
    source.addEventListener("error", () => {
      close();
      failures += 1;
      if (failures < 2) tell("Reconnecting");
      poll = window.setTimeout(failures < 2 ? connect : reload, failures < 2 ? 2000 : 10000);
    });
  }
  /** Where no stream comes through, the page is asked for instead. */
  async function reload() {
    const { got } = await fetched(location.href).catch(() => ({ got: null }));
    const fresh = got && one("[data-live]", got);
    tell(fresh ? "Updated every 10 s" : "Reconnecting");
    if (fresh && !paused()) {
      last = after(fresh);
      body.replaceChildren(...fresh.children);
      enhance(body);
    }
    connect();
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
    if (!stopped) return connect();
    close();
    tell("Paused");
  });
  for (const name of ["pointerenter", "focusin"]) body.addEventListener(name, () => hold(true));
  for (const name of ["pointerleave", "focusout"]) body.addEventListener(name, () => hold(false));
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
    const at = `${call.at.slice(11, 19)} UTC`;
    place.textContent = `First call received ${local ? written(call.at, at) : at}, ${call.endpoint ?? "no route"}, ${call.status}`;
    place.classList.add("notice-good");
  });
}

// Charts
/** Reads the table below a chart aloud, where the pointer or the arrow keys are. @param {HTMLElement} figure */
function chart(figure) {
  const svg = /** @type {SVGSVGElement | null} */ (figure.querySelector("svg[viewBox]:not(.icon)"));
  const rows = all("tbody tr", figure);
  const heads = all("thead th", figure).map((head) => head.textContent?.trim() ?? "");
  const output = one("output", figure);
  if (!svg || !rows.length || !output) return;
  const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
  line.setAttribute("class", "cross");
  const { width, height } = svg.viewBox.baseVal;
  line.setAttribute("y2", String(height));
  const places = rows.map((row) => Number(row.dataset.x));
  let at = -1;
  /** @param {number} place */
  const show = (place) => {
    at = Math.max(0, Math.min(rows.length - 1, place));
    line.setAttribute("x1", String(places[at]));
    line.setAttribute("x2", String(places[at]));
    svg.append(line);
    const [first, ...rest] = [...(rows[at]?.children ?? [])].map((cell) => cell.textContent?.trim());
    output.textContent = `${first}: ${rest.map((text, column) => `${heads[column + 1]} ${text}`).join(", ")}`;
  };
  const clear = () => {
    line.remove();
    output.textContent = "";
    at = -1;
  };
  svg.tabIndex = 0;
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const under = (event.clientX - box.left) / box.width * width;
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
  setTimeout(() => all("button:enabled", form).forEach((button) => {
    button.setAttribute("disabled", "");
    button.dataset.off = "";
  }));
});
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of all("form[data-sent]")) {
    delete form.dataset.sent;
    all("[data-off]", form).forEach((button) => button.removeAttribute("disabled"));
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
