// Tables that the server sorts and cuts: by a click on a heading, and page by page.

import { element } from "./dom.js";
import { write } from "./format.js";

/** The sorting of a table: a panel's `chosen.order`, or `byDefault`. A click on another column begins with the largest
 * value, or, of those named in `ascending`, with the smallest. */
export function sorting(panel, byDefault, ascending = []) {
  const [column, direction] = (panel.chosen.order ?? byDefault).split(":");
  const descending = direction === "desc";
  const by = async (key) => {
    const order = key === column ? `${key}:${descending ? "asc" : "desc"}` : `${key}:${ascending.includes(key) ? "asc" : "desc"}`;
    await panel.choose({ order, offset: 0 });
    panel.element.querySelector("[aria-sort$=ending] button")?.focus();
  };
  return { column, descending, by };
}

/** Which of so many rows are shown, and buttons for the `size` rows before and after. */
export function pager(total, size, panel) {
  const offset = panel.chosen.offset ?? 0;
  const last = Math.min(offset + size, total);
  const turn = (text, to, isPossible) =>
    element("button", { type: "button", disabled: !isPossible, click: () => panel.choose({ offset: to }) }, text);
  return element(
    "div",
    { class: "pager" },
    element("span", {}, `${write.count(offset + 1)}–${write.count(last)} of ${write.count(total)}`),
    turn("Previous", offset - size, offset > 0),
    turn("Next", offset + size, last < total),
  );
}

/** A table that scrolls where it is too wide. */
export function scrolled(title, table, kind = "") {
  return element("div", { class: `scrolled ${kind}`.trim(), tabindex: "0", role: "region", "aria-label": `${title}: table` }, table);
}
