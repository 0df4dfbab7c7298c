// A panel: one question to the API, its answer as a chart and a table, and what can be done with it.

import { Refused, Unreachable } from "./api.js";
import { Chart, png } from "./charts.js";
import { choice, element, icon, iconButton, uniqueId } from "./dom.js";
import { plainly } from "./format.js";
import { save } from "./saving.js";

/**
 * What a panel is made of:
 *
 * - `id`, `title`, `unit` (below the title), `counted` (instead of a unit, for the picture), `size` ("full", "wide", "half", "third")
 * - `call(view, chosen)`: path and query of its request
 * - `choices`: [{name, legend, options}], whose first options are `chosen` at first
 * - `isEmpty(answer)`, `empty`: a sentence for a reader without figures
 * - `chart(answer, panel)`: ECharts' option as a function of the colours, for the picture also where `body` shows it
 * - `hasCsv`: false where the API has no CSV of it; `csv(view)`: the request for it, if that is another one
 * - `height`: a class, "tall" or "short"; `prepare()`: what the chart needs to be loaded first; `click(event, panel)`
 * - `table(answer, panel)`: the answer as a table
 * - `body(answer, panel)`: elements with a table that is always shown, cut unless the panel `isWhole`; then the chart
 *   is for the picture only, unless the panel `hasChart`
 */
export class Panel {
  #menuText = element("code", { class: "call" });
  #path = null;
  #answer = null;
  #chart = null;
  #shown = element("div", { class: "panel-body" });

  constructor(definition, app) {
    this.definition = definition;
    this.app = app;
    this.chosen = Object.fromEntries((definition.choices ?? []).map(({ name, options }) => [name, options[0][0]]));
    this.titleId = uniqueId("title");
    this.element = this.#frame();
    this.#loading();
  }

  get view() {
    return this.app.view;
  }

  #frame() {
    const { id, title, unit, size } = this.definition;
    const head = element(
      "header",
      { class: "panel-head" },
      element("div", { class: "panel-title" }, element("h2", { id: this.titleId }, title), unit && element("p", {}, unit)),
      this.#tools(),
    );
    const choices = element("div", { class: "panel-choices" }, this.#choices());
    return element(
      "section",
      { class: `panel ${size}`, "data-panel": id, "aria-labelledby": this.titleId },
      head,
      choices.childElementCount > 0 && choices,
      this.#shown,
    );
  }

  #choices() {
    return (this.definition.choices ?? []).map(({ name, legend, options }) =>
      // The names of radios are shared by the whole page.
      choice(`${this.definition.id}-${name}`, legend, options, this.chosen[name], (value) => this.choose({ [name]: value })),
    );
  }

  #tools() {
    const { title } = this.definition;
    this.tableButton = iconButton("table", `${title}: table`, {
      "data-action": "table",
      "aria-pressed": "false",
      click: () => this.#toggleTable(),
    });
    return element(
      "div",
      { class: "panel-tools" },
      this.tableButton,
      iconButton("enlarge", `${title}: enlarge`, { "data-action": "enlarge", click: () => this.#enlarge() }),
      this.#menu(),
    );
  }

  #menu() {
    const { title } = this.definition;
    const action = (name, label, act) =>
      element("button", { type: "button", "data-action": name, click: (event) => this.#attempt(act, event.currentTarget) }, label);
    return element(
      "details",
      { class: "menu", "data-closes": true },
      element("summary", { "aria-label": `${title}: more`, title: "More" }, icon("dots")),
      element(
        "div",
        { class: "menu-body" },
        this.definition.hasCsv !== false && action("csv", "Download CSV", () => this.#saveCsv()),
        action("png", "Download picture (PNG)", () => this.#savePng()),
        element("p", {}, "Its API call"),
        this.#menuText,
        action("call", "Copy address", (button) => this.#copyCall(button)),
      ),
    );
  }

  /** Choose something that concerns this panel alone. */
  choose(chosen) {
    Object.assign(this.chosen, chosen);
    return this.load();
  }

  /** Ask, and show what is answered; the last question wins. */
  async load() {
    const path = this.definition.call(this.view, this.chosen);
    if (path !== this.#path) this.#begin(path);
    try {
      const answer = await this.app.api.get(path);
      if (path !== this.#path) return;
      this.app.answered(answer);
      if (answer !== this.#answer || this.element.dataset.state !== "ready") this.#show(answer);
    } catch (error) {
      if (path === this.#path && error.name !== "AbortError") this.#fail(error);
    }
  }

  #begin(path) {
    this.#path = path;
    this.#answer = null;
    this.element.dataset.call = path;
    this.#menuText.textContent = `GET ${path}`;
    this.#loading();
  }

  #loading() {
    this.#state("loading", element("div", { class: `skeleton ${this.definition.height ?? ""}`, "aria-hidden": "true" }));
    this.element.setAttribute("aria-busy", "true");
  }

  #state(state, ...shown) {
    this.#chart?.dispose();
    this.#chart = null;
    this.element.dataset.state = state;
    this.element.removeAttribute("aria-busy");
    this.#shown.replaceChildren(...shown);
  }

  #show(answer) {
    this.#answer = answer;
    const { definition } = this;
    if (definition.isEmpty(answer)) return this.#state("empty", element("p", { class: "message" }, definition.empty));
    const hasChart = !definition.body || definition.hasChart;
    const container = hasChart && this.#container();
    const below = definition.body ? definition.body(answer, this) : [this.#hiddenTable(answer)];
    this.#state("ready", ...(container ? [container] : []), ...below);
    if (container) return this.#draw(container, answer);
  }

  #container() {
    const { title, height } = this.definition;
    const label = `${title}: ${this.#unit}. The table holds the numbers.`;
    return element("div", { class: `chart ${height ?? ""}`, role: "img", "aria-label": label });
  }

  #hiddenTable(answer) {
    const label = `${this.definition.title}: table`;
    const shown = element("div", { class: "scrolled", tabindex: "0", role: "region", "aria-label": label });
    shown.append(this.definition.table(answer, this));
    shown.hidden = !this.isWhole;
    return shown;
  }

  async #draw(container, answer) {
    const { click, prepare } = this.definition;
    const chart = new Chart(container, click && ((event) => click(event, this)));
    this.#chart = chart;
    await prepare?.();
    await chart.draw(this.definition.chart(answer, this));
  }

  /** Whether all rows are asked for: by the button, or since the panel is enlarged. */
  get isWhole() {
    return this.tableButton.getAttribute("aria-pressed") === "true" || this.element.closest("dialog") !== null;
  }

  #fail(error) {
    if (error instanceof Unreachable) {
      this.app.lost();
      // Figures that were there stay: the page says that they are no longer refreshed.
      if (this.#answer) return;
    }
    this.#answer = null;
    if (error instanceof Refused && error.status === 422) return this.#state("error", unavailable(error));
    if (error instanceof Refused && error.hasNoData) this.app.hasNoData(error.message);
    return this.#state(
      "error",
      element(
        "div",
        { class: "message", role: "status" },
        element("p", {}, error.message),
        element("button", { type: "button", "data-action": "retry", click: () => this.retry() }, "Try again"),
      ),
    );
  }

  /** Ask again. */
  retry() {
    this.app.api.forget(this.#path);
    this.#loading();
    return this.load();
  }

  #toggleTable() {
    const pressed = this.tableButton.getAttribute("aria-pressed") !== "true";
    this.tableButton.setAttribute("aria-pressed", String(pressed));
    this.showAgain();
  }

  /** Show the same answer anew. */
  showAgain() {
    if (this.#answer) this.#show(this.#answer);
  }

  #enlarge() {
    const place = element("div", { class: this.element.className });
    const close = iconButton("close", "Close", { class: "icon-button dialog-close", click: () => dialog.close() });
    const dialog = element("dialog", { class: "enlarged", "aria-labelledby": this.titleId }, close);
    this.element.replaceWith(place);
    dialog.append(this.element);
    document.body.append(dialog);
    dialog.addEventListener("close", () => {
      place.replaceWith(this.element);
      dialog.remove();
      this.showAgain();
      this.element.querySelector("[data-action=enlarge]").focus();
    });
    dialog.showModal();
    this.showAgain();
  }

  async #attempt(act, button) {
    try {
      await act(button);
    } catch (error) {
      this.app.tell(`${this.definition.title}: ${error.message}`);
    }
  }

  get #unit() {
    return this.definition.unit ?? this.definition.counted.toLowerCase();
  }

  get #fileName() {
    return `${this.definition.id.replaceAll("/", "-")}-${this.view.date_range.replaceAll(/[^\w-]+/g, "_")}`;
  }

  async #saveCsv() {
    const answer = await this.app.api.fetch(this.definition.csv?.(this.view) ?? `${this.#path}&format=csv`);
    save(await answer.blob(), `${this.#fileName}.csv`);
  }

  async #savePng() {
    if (this.element.dataset.state !== "ready") throw new Error("there is nothing to draw yet.");
    await this.definition.prepare?.();
    const title = `${this.definition.title} (${this.#unit})`;
    save(await png(this.definition.chart(this.#answer, this), title), `${this.#fileName}.png`);
  }

  async #copyCall(button) {
    const address = new URL(`.${this.#path}`, location.href).href;
    try {
      await navigator.clipboard.writeText(address);
      button.textContent = "Copied";
    } catch {
      // Only pages over TLS, or of this machine, may use the clipboard.
      getSelection().selectAllChildren(this.#menuText);
      button.textContent = "Selected: press Ctrl+C";
    }
    setTimeout(() => (button.textContent = "Copy address"), 2000);
  }

  /** Forget the chart. */
  dispose() {
    this.#chart?.dispose();
  }
}

/** What is said of a question that can't be asked this way, such as events by country of a room. */
function unavailable(error) {
  const reasons = error.faults.length ? error.faults.map(({ message }) => message) : [error.message];
  return element(
    "div",
    { class: "message", role: "status" },
    element("p", {}, "Not available in this view."),
    element("p", { class: "reason" }, plainly(reasons.join(" "))),
  );
}
