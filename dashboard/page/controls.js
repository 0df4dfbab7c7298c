// The controls: what is looked at, as a form whose every choice is an entry of the browser's history.

import { element, icon, iconButton } from "./dom.js";
import { COMPARISONS, GRANULARITIES, RANGES, addressOf, inWords, toggled } from "./view.js";

/** A row of controls for the parameters of `names`, and the chips of the filters. */
export class Controls {
  constructor(names, app) {
    this.app = app;
    this.makers = names.map((name) => MAKERS[name]);
    this.form = element("form", { class: "controls", "aria-label": "What to show", submit: (event) => event.preventDefault() });
    this.chips = element("div", { class: "chips", role: "group", "aria-label": "Filters" });
    this.element = element("div", { class: "controls-bar" }, this.form, this.chips);
  }

  /** Show a view's values. A field that is being typed in is left alone. */
  load() {
    const { view } = this.app;
    const key = addressOf({ ...view, filters: [] });
    if (this.shown !== key) this.#refill(view);
    this.shown = key;
    this.chips.replaceChildren(...view.filters.map((clause) => this.#chip(clause)));
    this.chips.hidden = !view.filters.length;
  }

  #refill(view) {
    const focused = document.activeElement?.closest(".controls") && document.activeElement.name;
    const isOpen = this.form.querySelector("details")?.open;
    this.form.replaceChildren(...this.makers.map((make) => make(view, (changed) => this.app.change({ ...this.app.view, ...changed }), this.app)));
    if (isOpen && focused) this.form.querySelector("details").open = true;
    if (focused) this.form.elements.namedItem(focused)?.focus?.();
  }

  #chip(clause) {
    const words = inWords(clause);
    const remove = iconButton("close", `Remove filter: ${words}`, {
      class: "icon-button",
      click: () => this.app.change(toggled(this.app.view, clause)),
    });
    return element("span", { class: "chip", "data-chip": JSON.stringify(clause) }, icon("filter"), element("span", { title: words }, words), remove);
  }

  dispose() {}
}

function labelled(text, control) {
  return element("label", { class: "field" }, element("span", {}, text), control);
}

function select(name, options, chosen, choose) {
  // What is chosen otherwise, such as two dates, is told below the controls.
  const all = options.some(([value]) => value === chosen) ? options : [...options, [chosen, "Custom"]];
  const made = all.map(([value, text]) => element("option", { value, selected: value === chosen }, text));
  return element("select", { name, change: (event) => choose(event.target.value) }, made);
}

const MAKERS = {
  date_range: (view, change) =>
    element(
      "div",
      { class: "field-group" },
      labelled("Period", select("date_range", RANGES, view.date_range, (date_range) => change({ date_range }))),
      customRange(view, change),
    ),
  granularity: (view, change) =>
    labelled("Shown by", select("granularity", GRANULARITIES, view.granularity, (granularity) => change({ granularity }))),
  compare: (view, change) =>
    labelled("Compared with", select("compare", COMPARISONS, view.compare, (compare) => change({ compare }))),
  org: (view, change, { organisations }) =>
    labelled(
      "Organisation",
      select("org", organisations.map((id) => [id, id]), view.org || organisations[0], (org) => change({ org })),
    ),
  timezone: (view, change) => labelled("Time zone", timeZone(view, change)),
};

function customRange(view, change) {
  const [first, last] = view.date_range.split(",").map((text) => text.slice(0, 10));
  const from = element("input", { type: "date", name: "from", required: true, value: last ? first : null });
  const to = element("input", { type: "date", name: "to", required: true, value: last });
  const problem = element("p", { class: "problem", role: "alert" });
  const apply = () => {
    const isRange = from.value && to.value && from.value <= to.value;
    problem.textContent = isRange ? "" : "Choose a first and a last day, in this order.";
    if (isRange) change({ date_range: `${from.value},${to.value}` });
  };
  const onEnter = (event) => event.key === "Enter" && (event.preventDefault(), apply());
  return element(
    "details",
    { class: "menu", "data-closes": true },
    element("summary", { class: "button" }, "Custom"),
    element(
      "div",
      { class: "menu-body range", keydown: onEnter },
      labelled("From", from),
      labelled("To", to),
      element("button", { type: "button", class: "primary", click: apply }, "Apply"),
      problem,
    ),
  );
}

const zones = () => ["UTC", ...Intl.supportedValuesOf("timeZone")];

function timeZone(view, change) {
  const apply = (event) => {
    const name = event.target.value.trim();
    const isZone = known(name);
    event.target.setAttribute("aria-invalid", String(!isZone));
    event.target.setCustomValidity(isZone ? "" : "No such time zone. Examples: UTC, Europe/Berlin, America/New_York");
    if (isZone && name !== view.timezone) change({ timezone: name });
    else event.target.reportValidity();
  };
  const list = element("datalist", { id: "timezones" }, zones().map((zone) => element("option", { value: zone })));
  const input = element("input", {
    name: "timezone",
    list: "timezones",
    value: view.timezone,
    autocomplete: "off",
    spellcheck: "false",
    focus: (event) => event.target.select(),
    input: (event) => event.target.setCustomValidity(""),
    change: apply,
  });
  return element("span", { class: "combo" }, input, list);
}

function known(name) {
  try {
    return Boolean(name && new Intl.DateTimeFormat("en", { timeZone: name }));
  } catch {
    return false;
  }
}
