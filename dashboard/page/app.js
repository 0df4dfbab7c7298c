// The dashboard: signs in, shows the page that the address asks for, and keeps it fresh.

import { Api } from "./api.js";
import { redrawAll } from "./charts.js";
import { Controls } from "./controls.js";
import { element } from "./dom.js";
import { Figures } from "./figures.js";
import { PAGES } from "./pages/registry.js";
import { Panel } from "./panel.js";
import { Shell } from "./shell.js";
import { signIn } from "./signing_in.js";
import { addressOf, viewOf } from "./view.js";

const TOKEN = "token";
const REFRESHED_EVERY_MS = 60_000;
const TRIED_AGAIN_EVERY_MS = 10_000;

class App {
  view = viewOf(location.search);
  /** What the LLM page may choose from. */
  organisations = [];
  #parts = [];
  #built = null;
  #refreshedAt = 0;
  #isTroubled = false;

  constructor(token, me, pages) {
    this.api = new Api(token, () => signOut("The token is no longer accepted. Sign in again."));
    this.pages = pages;
    this.shell = new Shell(this, me, () => signOut());
  }

  start() {
    document.body.replaceChildren(...this.shell.elements);
    history.replaceState(null, "", addressOf(this.view));
    addEventListener("popstate", () => this.#go(viewOf(location.search)));
    document.addEventListener("click", (event) => this.#follow(event));
    document.addEventListener("visibilitychange", () => this.#refreshIfDue());
    setInterval(() => this.#refreshIfDue(), TRIED_AGAIN_EVERY_MS);
    return this.#go(this.view);
  }

  /** The page of the view: that of its name, or the first one. */
  get page() {
    return this.pages.find(({ id }) => id === this.view.page) ?? this.pages[0];
  }

  /** Look at something else: one more entry of the browser's history. */
  change(view) {
    const address = addressOf(view);
    if (address === addressOf(this.view)) return;
    history.pushState(null, "", address);
    this.#go(view);
  }

  #follow(event) {
    const link = event.target.closest?.("a[href^='?']");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    this.change(viewOf(link.getAttribute("href")));
    scrollTo(0, 0);
  }

  async #go(view) {
    this.view = view;
    this.api.newRound();
    this.shell.begin();
    const key = `${this.page.id} ${view.room} ${view.codebase}`;
    if (key !== this.#built) {
      this.#built = key;
      await this.page.begin?.(this);
      if (key !== this.#built) return;
      this.#build();
    }
    await this.#load();
  }

  #build() {
    for (const part of this.#parts) part.dispose();
    const page = this.page.detail?.(this.view) ?? this.page;
    const controls = new Controls(page.controls, this);
    const figures = new Figures(page.figures(this), this);
    const panels = page.panels(this).map((definition) => new Panel(definition, this));
    this.#parts = [controls, figures, ...panels];
    const grid = element("div", { class: "panels" }, panels.map((panel) => panel.element));
    this.shell.show(page.heading?.(this) ?? [], controls.element, figures.element, grid);
  }

  async #load() {
    this.#refreshedAt = Date.now();
    this.#isTroubled = false;
    await Promise.all(this.#parts.map((part) => part.load()));
    if (!this.#isTroubled) this.shell.found();
  }

  #refreshIfDue() {
    const due = this.#isTroubled ? TRIED_AGAIN_EVERY_MS : REFRESHED_EVERY_MS;
    // Timers may be a moment early.
    if (!document.hidden && Date.now() - this.#refreshedAt >= due - 500) this.refresh();
  }

  /** Ask everything again; what has not changed is not sent again. */
  refresh() {
    this.api.newRound();
    return this.#load();
  }

  /** An answer came: it says how fresh the data are, and what to know of them. */
  answered(answer) {
    this.shell.tellOf(answer);
  }

  /** The server does not answer. */
  lost() {
    this.#isTroubled = true;
    this.shell.lost(() => this.refresh());
  }

  /** There is nothing to serve yet. */
  hasNoData(detail) {
    this.#isTroubled = true;
    this.shell.hasNoData(detail);
  }

  /** Tell of something that failed. */
  tell(text) {
    this.shell.tell(text);
  }
}

function signOut(reason = "") {
  sessionStorage.removeItem(TOKEN);
  if (reason) sessionStorage.setItem("reason", reason);
  location.reload();
}

async function begin(token) {
  const api = new Api(token);
  const me = await (await api.fetch("/v1/me")).json();
  const may = (scope) => me.scopes.includes("*") || me.scopes.includes(scope);
  const pages = PAGES.filter(({ scope, isThere }) => may(scope) && (isThere?.(me) ?? true));
  sessionStorage.setItem(TOKEN, token);
  if (!pages.length) throw new Error("This token may not see any page.");
  await new App(token, me, pages).start();
}

const reason = sessionStorage.getItem("reason");
sessionStorage.removeItem("reason");
addEventListener("themechange", redrawAll);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
signIn(begin, sessionStorage.getItem(TOKEN), reason);
