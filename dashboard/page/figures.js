// The headline figures: number and change, each from one field of an answer.

import { Refused, Unreachable } from "./api.js";
import { element, icon } from "./dom.js";
import { DASH, plainly, write } from "./format.js";
import { valueOf } from "./tables.js";

/**
 * A row of figures.
 *
 * @param definitions {endpoint, field, label, kind, call(view), read(answer), better: "higher" | "lower" | null}.
 */
export class Figures {
  constructor(definitions, app) {
    this.app = app;
    this.cards = definitions.map((definition) => new Card(definition, app));
    this.problem = element("div", { class: "figures-problem" });
    const cards = element("dl", { class: "figures" }, this.cards.map((card) => card.element));
    this.element = element("section", { "aria-label": "Key figures" }, cards, this.problem);
  }

  async load() {
    const results = await Promise.all(this.cards.map((card) => card.load()));
    const error = results.find((result) => result instanceof Error);
    this.problem.replaceChildren(...(error ? [this.#told(error)] : []));
  }

  #told(error) {
    const again = element("button", { type: "button", "data-action": "retry", click: () => this.#retry() }, "Try again");
    const isRefusedFilter = error.status === 422;
    return element("p", { class: "message", role: isRefusedFilter ? "status" : "alert" }, plainly(error.message), " ", !isRefusedFilter && again);
  }

  #retry() {
    for (const card of this.cards) this.app.api.forget(card.path);
    return this.load();
  }

  dispose() {}
}

class Card {
  #shown = null;

  constructor(definition, app) {
    const { endpoint, field, label, kind, note } = definition;
    this.definition = definition;
    this.app = app;
    this.kind = kind;
    this.number = element("dd", { class: "figure skeleton-text", "data-figure": `${endpoint}.${field}` }, DASH);
    this.change = element("span", { "data-figure": `${endpoint}.${field}.change_pct` });
    this.comparison = element("dd", { class: "figure-change" });
    this.element = element("div", { class: "card" }, element("dt", { title: note }, label), this.number, this.comparison);
  }

  /** Ask and show; an error that is to be told is returned. */
  async load() {
    const path = this.definition.call(this.app.view);
    if (path !== this.path) this.#begin(path);
    try {
      const answer = await this.app.api.get(path);
      if (path !== this.path) return null;
      this.app.answered(answer);
      if (answer !== this.#shown) this.#show(answer);
      return null;
    } catch (error) {
      return path === this.path && error.name !== "AbortError" ? this.#fail(error) : null;
    }
  }

  #begin(path) {
    this.path = path;
    this.#shown = null;
    this.element.dataset.call = path;
    this.element.setAttribute("aria-busy", "true");
    this.number.classList.add("skeleton-text");
  }

  #end() {
    this.element.removeAttribute("aria-busy");
    this.number.classList.remove("skeleton-text");
  }

  #show(answer) {
    this.#end();
    this.#shown = answer;
    const figure = this.definition.read(answer);
    this.number.textContent = write[this.kind](valueOf(figure));
    const isCompared = figure !== null && typeof figure === "object";
    this.comparison.replaceChildren(...(isCompared ? this.#compared(figure) : []));
  }

  #compared({ change_pct, comparison }) {
    const { better } = this.definition;
    const direction = change_pct > 0 ? "higher" : change_pct < 0 ? "lower" : null;
    const judged = !direction || !better ? "" : direction === better ? "good" : "bad";
    this.change.textContent = write.change(change_pct);
    const arrow = direction && icon(direction === "higher" ? "arrowUp" : "arrowDown");
    const changed = element("span", { class: `judged ${judged}` }, arrow, this.change);
    return [changed, element("span", { class: "before" }, `${write[this.kind](comparison)} before`)];
  }

  #fail(error) {
    if (error instanceof Unreachable) {
      this.app.lost();
      if (this.#shown) return null;
    }
    this.#end();
    this.#shown = null;
    this.number.textContent = DASH;
    this.comparison.replaceChildren();
    if (error instanceof Refused && error.hasNoData) {
      this.app.hasNoData(error.message);
      return null;
    }
    return error;
  }
}
