// What is around a page: its name, the other pages, the live line, the freshness of the data, and what went wrong.

import { element, icon, iconButton } from "./dom.js";
import { elapsed, instant, span, write } from "./format.js";
import { addressOf, callOf, onPage } from "./view.js";

const THEMES = ["light", "dark"];
// What data are called that are not refreshed as they should be.
const OLD = ["stale", "dead"];
const LIVE_MS = 5 * 60_000;

export class Shell {
  #notices = new Set();
  #isCompared = false;

  constructor(app, me, signOut) {
    this.app = app;
    this.main = element("main", { id: "main", tabindex: "-1" });
    this.live = element("p", { class: "live", hidden: true }, element("span", { class: "pulse" }), element("span", {}));
    this.freshness = element("p", { class: "freshness", role: "status" });
    this.alert = element("div", { class: "banner bad", role: "alert", hidden: true });
    this.period = element("p", {});
    this.notices = element("div", { class: "notices", role: "status", "aria-label": "What to know of the data" });
    this.told = element("div", { class: "told" }, this.period, this.notices);
    this.elements = [
      element("a", { class: "skip", href: "#main" }, "To the figures"),
      this.#header(me, signOut),
      this.alert,
      this.main,
      this.#footer(),
    ];
    addEventListener("click", closeMenus);
    addEventListener("keydown", (event) => event.key === "Escape" && closeMenus(event));
  }

  #header(me, signOut) {
    this.pages = element("nav", { "aria-label": "Pages" });
    const theme = iconButton("moon", "Light or dark", { "data-action": "theme", click: switchTheme });
    const leave = iconButton("signOut", me.name ? `Sign out (${me.name})` : "Sign out", { "data-action": "sign-out", click: signOut });
    return element(
      "header",
      { class: "top" },
      element("a", { class: "brand", href: "?" }, element("span", { class: "logo", "aria-hidden": "true" }), "FPP Analytics"),
      this.pages,
      this.live,
      this.freshness,
      element("div", { class: "top-tools" }, theme, leave),
    );
  }

  #footer() {
    return element(
      "footer",
      {},
      element("p", {}, "Every number comes from the API: ", element("a", { href: "docs" }, "its description"), "."),
    );
  }

  /** Another view is asked for. */
  begin() {
    this.#notices.clear();
    this.#isCompared = false;
    const { pages, page, view } = this.app;
    const link = ({ id, title }) =>
      element("a", { href: addressOf(onPage(view, id)), "aria-current": id === page.id ? "page" : null }, title);
    if (page.scope !== "fpp:read") this.live.hidden = true;
    this.pages.replaceChildren(...(pages.length > 1 ? pages.map(link) : []));
  }

  show(heading, controls, ...parts) {
    this.main.replaceChildren(...heading, controls, this.told, ...parts);
  }

  /** Ask who is there now: in the last minutes up to which all is known. */
  async #askWhoIsThere(updatedAt) {
    const end = Math.floor(Date.parse(updatedAt) / 1000) * 1000;
    const instants = [end - LIVE_MS, end].map((time) => new Date(time).toISOString().replace(".000", ""));
    const path = callOf("traffic", { date_range: instants.join(), metrics: "visitors" });
    if (this.live.dataset.call === path) return;
    this.live.dataset.call = path;
    try {
      const { data } = await this.app.api.get(path);
      if (this.live.dataset.call !== path) return;
      const people = data.visitors === 1 ? "person" : "people";
      this.live.lastChild.textContent = `Now: ${write.count(data.visitors)} ${people} in the last five minutes of data`;
      this.live.hidden = false;
    } catch {
      // Asked again with the next answer.
      delete this.live.dataset.call;
      this.live.hidden = true;
    }
  }

  /** What an answer says of its period and its data. */
  tellOf({ meta, query = {} }) {
    const { data_updated_at, age_seconds, freshness, notices } = meta;
    if (query.comparison !== undefined) this.#tellOfPeriod(query);
    else if (meta.start) this.period.textContent = span(meta.start, justBefore(meta.end), meta.timezone);
    const at = instant(data_updated_at, this.app.view.timezone);
    if (this.app.page.scope === "fpp:read") this.#askWhoIsThere(data_updated_at);
    this.freshness.replaceChildren(element("span", { class: `dot ${freshness}` }), `Updated ${elapsed(age_seconds)}`);
    this.freshness.title = `${at}, ${freshness}`;
    if (OLD.includes(freshness)) this.#warnOf(freshness, at);
    else this.#hide("warning");
    for (const notice of notices ?? []) this.#notices.add(notice);
    this.notices.replaceChildren(...[...this.#notices].map((notice) => element("p", {}, notice)));
  }

  /** What is compared wins over what can't be. */
  #tellOfPeriod(query) {
    if (this.#isCompared && !query.comparison) return;
    this.#isCompared = Boolean(query.comparison);
    this.period.textContent = periodOf(query);
  }

  #warnOf(freshness, at) {
    if (!this.alert.hidden) return;
    this.#alert(`The data are ${freshness}: nothing after ${at} is counted. Look at the updater's log.`, "warning");
  }

  #alert(text, kind, again = null) {
    if (this.alert.firstChild?.textContent === text) return;
    this.alert.className = `banner ${kind}`;
    this.alert.hidden = false;
    const button = again && element("button", { type: "button", "data-action": "retry", click: again }, "Try again");
    this.alert.replaceChildren(...[element("span", {}, text), button].filter(Boolean));
  }

  lost(again) {
    this.#alert("The server does not answer. The figures are those of before; this page tries again by itself.", "bad", again);
  }

  /** The server answers. */
  found() {
    this.#hide("bad");
  }

  #hide(kind) {
    if (this.alert.classList.contains(kind)) this.alert.hidden = true;
  }

  hasNoData(detail) {
    this.#alert(detail, "bad");
  }

  tell(text) {
    this.#alert(text, "bad");
  }
}

function justBefore(end) {
  return Date.parse(end) - 1;
}

function periodOf({ first_instant, last_instant, comparison, timezone }) {
  const period = span(first_instant, last_instant, timezone);
  if (!comparison) return period;
  return `${period}, compared with ${span(comparison.first_instant, comparison.last_instant, timezone)}`;
}

function closeMenus(event) {
  for (const menu of document.querySelectorAll("details[data-closes][open]")) {
    if (event.type === "keydown") menu.querySelector("summary").focus();
    if (event.type === "keydown" || !menu.contains(event.target)) menu.open = false;
  }
}

function switchTheme() {
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const now = document.documentElement.dataset.theme ?? system;
  const next = THEMES[1 - THEMES.indexOf(now)];
  document.documentElement.dataset.theme = next;
  localStorage.setItem("theme", next);
  dispatchEvent(new Event("themechange"));
}
