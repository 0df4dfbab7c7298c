// Panels that are lists of labels: each row a bar, its count and its share, and a filter to click.

import { bars } from "./charts.js";
import { element } from "./dom.js";
import { label, write } from "./format.js";
import { valueOf } from "./tables.js";
import { callOf, parametersOf, toggled } from "./view.js";

const SHOWN = 8;
const DRAWN = 20;
const MOST_ROWS = 500;

/**
 * A panel of a list of the API.
 *
 * @param definition As a panel's, and `nameOf(row)`, `filterOf(row)` (a clause), `labelled` (what a label
 *   is) and `counted` (what is counted).
 */
export function list({ nameOf = (row) => label(row.name), filterOf, labelled, counted, ...definition }) {
  return {
    size: "third",
    empty: "Nothing in this period.",
    call: (view) => callOf(definition.id, parametersOf(view, "compare")),
    isEmpty: ({ data }) => !data.length,
    chart: ({ data }) => {
      const rows = data.slice(0, DRAWN);
      return bars({ names: rows.map(nameOf), values: rows.map((row) => valueOf(row.count)), kind: "count" });
    },
    body: ({ data }, panel) => [rowsOf(data, { nameOf, filterOf, labelled, counted }, panel), more(data, panel)].filter(Boolean),
    counted,
    ...definition,
  };
}

function rowsOf(data, { nameOf, filterOf, labelled, counted }, panel) {
  const total = data.reduce((sum, row) => sum + valueOf(row.count), 0);
  const most = Math.max(...data.map((row) => valueOf(row.count)), 1);
  const isCompared = data.some((row) => typeof row.count === "object");
  const rows = data.slice(0, panel.isWhole ? MOST_ROWS : SHOWN).map((row) => {
    const count = valueOf(row.count);
    const share = write.share(total ? count / total : null);
    return element(
      "tr",
      {},
      barCell(nameOf(row), filterOf(row), count / most, panel.app),
      element("td", { class: "number" }, write.count(count)),
      element("td", { class: "number muted" }, share),
      isCompared && changeCell(row.count),
    );
  });
  const { title } = panel.definition;
  const heads = [labelled, counted, "Share", ...(isCompared ? ["Change"] : [])];
  const head = element("tr", {}, heads.map((text, i) => element("th", { scope: "col", class: i ? "number" : null }, text)));
  const scrolls = panel.isWhole ? { tabindex: "0", role: "region", "aria-label": `${title}: all rows` } : {};
  const listed = element("table", { class: "bars" }, element("caption", { class: "unseen" }, `${title}: ${counted}`));
  listed.append(element("thead", {}, head), element("tbody", {}, rows));
  return element("div", { class: "list", ...scrolls }, listed);
}

function barCell(name, clause, part, app) {
  const filter = element(
    "button",
    { type: "button", class: "bar-label", title: name, "data-filter": JSON.stringify(clause), click: () => app.change(toggled(app.view, clause)) },
    name,
  );
  const cell = element("th", { scope: "row" }, filter);
  // Set through the object model: the page's policy forbids the attribute.
  cell.style.setProperty("--part", part);
  return cell;
}

/** A cell with the change of a figure. */
export function changeCell(figure) {
  const change = figure?.change_pct;
  const direction = change > 0 ? "up" : change < 0 ? "down" : "";
  const title = `${write.count(figure?.comparison)} before`;
  return element("td", { class: `number change ${direction}`, title }, write.change(change));
}

function more(data, panel) {
  if (data.length <= SHOWN || panel.isWhole) return null;
  const label = `Show all ${write.count(data.length)}`;
  return element("button", { type: "button", class: "link more", click: () => panel.tableButton.click() }, label);
}
