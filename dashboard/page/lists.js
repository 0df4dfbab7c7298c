// Panels that are lists of labels: each row a bar, its count and what else is told of it, and a filter to click.

import { bars } from "./charts.js";
import { element } from "./dom.js";
import { label, write } from "./format.js";
import { cell, classOf, valueOf } from "./tables.js";
import { callOf, parametersOf, toggled } from "./view.js";

const SHOWN = 8;
const DRAWN = 20;
const MOST_ROWS = 500;

/**
 * A panel of a list of the API.
 *
 * @param definition As a panel's, and `rowsOf(answer)`, `nameOf(row, panel)`, `filterOf(row, panel)` (a clause, or null
 *   for what can't be filtered by), `labelled` (what a label is), `counted` (what is counted), `countOf(row)`,
 *   `further` (columns as a table's instead of the share of each count) and `most` (rows that are asked for, unless all).
 */
export function list(definition) {
  const whole = {
    size: "third",
    empty: "Nothing in this period.",
    call: (view) => callOf(definition.id, parametersOf(view, "compare")),
    rowsOf: ({ data }) => data,
    nameOf: ({ name }) => label(name),
    countOf: ({ count }) => count,
    ...definition,
  };
  const { rowsOf, nameOf, countOf } = whole;
  return {
    isEmpty: (answer) => !rowsOf(answer).length,
    chart: (answer, panel) => {
      const rows = rowsOf(answer).slice(0, DRAWN);
      return bars({ names: rows.map((row) => nameOf(row, panel)), values: rows.map((row) => valueOf(countOf(row))), kind: "count" });
    },
    body: (answer, panel) => [listed(rowsOf(answer), whole, panel), more(rowsOf(answer), whole, panel)].filter(Boolean),
    ...whole,
  };
}

function listed(data, definition, panel) {
  const { title, labelled, counted, countOf, nameOf, filterOf } = definition;
  const total = data.reduce((sum, row) => sum + valueOf(countOf(row)), 0);
  const most = Math.max(...data.map((row) => valueOf(countOf(row))), 1);
  const isCompared = data.some((row) => typeof countOf(row) === "object");
  const share = { name: "Share", kind: "share", value: (row) => (total ? valueOf(countOf(row)) / total : null), isMuted: true };
  const columns = [{ name: counted, kind: "count", value: (row) => valueOf(countOf(row)) }, ...(definition.further ?? [share])];
  const rows = data.slice(0, panel.isWhole ? MOST_ROWS : SHOWN).map((row) =>
    element(
      "tr",
      {},
      barCell(nameOf(row, panel), filterOf(row, panel), valueOf(countOf(row)) / most, panel.app),
      columns.map((column) => cell(column, row)),
      isCompared && changeCell(countOf(row)),
    ),
  );
  const heads = [{ name: labelled }, ...columns, ...(isCompared ? [{ name: "Change", kind: "change" }] : [])];
  const head = element("tr", {}, heads.map((column) => element("th", { scope: "col", class: classOf(column) }, column.name)));
  const scrolls = panel.isWhole ? { tabindex: "0", role: "region", "aria-label": `${title}: all rows` } : {};
  const table = element("table", { class: "bars" }, element("caption", { class: "unseen" }, `${title}: ${counted}`));
  table.append(element("thead", {}, head), element("tbody", {}, rows));
  return element("div", { class: "list", ...scrolls }, table);
}

function barCell(name, clause, part, app) {
  const attributes = { class: "bar-label", title: name };
  const act = { type: "button", "data-filter": JSON.stringify(clause), click: () => app.change(toggled(app.view, clause)) };
  const shown = clause ? element("button", { ...attributes, ...act }, name) : element("span", attributes, name);
  const heading = element("th", { scope: "row" }, shown);
  // Set through the object model: the page's policy forbids the attribute.
  heading.style.setProperty("--part", part);
  return heading;
}

/** A cell with the change of a figure. */
export function changeCell(figure) {
  const change = figure?.change_pct;
  const direction = change > 0 ? "up" : change < 0 ? "down" : "";
  const title = `${write.count(figure?.comparison)} before`;
  return element("td", { class: `number change ${direction}`, title }, write.change(change));
}

function more(data, { most }, panel) {
  if (data.length <= SHOWN || panel.isWhole) return null;
  const label = `Show ${data.length === most ? "the first" : "all"} ${write.count(data.length)}`;
  return element("button", { type: "button", class: "link more", click: () => panel.tableButton.click() }, label);
}
