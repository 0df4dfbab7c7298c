// Tables of figures.

import { element, icon } from "./dom.js";
import { write } from "./format.js";

/**
 * A table. The first column names the row.
 *
 * @param columns {name, kind, value(row), cell(row), isMuted, isDetail}: `value` is written by its kind, `cell` gives an element
 *   instead; phones leave out details of lists.
 * @param sorting {column, descending, by(key)} for columns with a `key`, or nothing.
 */
export function table(caption, columns, rows, sorting = null) {
  return element(
    "table",
    {},
    element("caption", { class: "unseen" }, caption),
    element("thead", {}, element("tr", {}, columns.map((column) => heading(column, sorting)))),
    element("tbody", {}, rows.map((row) => element("tr", {}, columns.map((column, i) => (i ? cell(column, row) : nameCell(column, row)))))),
  );
}

function heading(column, sorting) {
  const attributes = { scope: "col", class: classOf(column) };
  if (!sorting || !column.key) return element("th", attributes, column.name);
  const isSorted = sorting.column === column.key;
  const order = sorting.descending ? "descending" : "ascending";
  const button = element(
    "button",
    { type: "button", class: "sort", click: () => sorting.by(column.key) },
    column.name,
    isSorted && icon(sorting.descending ? "arrowDown" : "arrowUp"),
  );
  return element("th", { ...attributes, "aria-sort": isSorted ? order : "none" }, button);
}

const shownIn = (column, row) => (column.cell ? column.cell(row) : write[column.kind ?? "text"](column.value(row)));

function nameCell(column, row) {
  return element("th", { scope: "row" }, shownIn(column, row));
}

/** The classes of a column's cells. */
export function classOf(column) {
  return [isNumber(column) && "number", column.isMuted && "muted", column.isDetail && "detail"].filter(Boolean).join(" ") || null;
}

/** A cell of a row. What is a detail may be cut off. */
export function cell(column, row) {
  const shown = shownIn(column, row);
  return element("td", { class: classOf(column), title: column.isDetail && shown }, shown);
}

function isNumber(column) {
  return column.kind != null && column.kind !== "text";
}

/** A figure's value, whether it is compared or not. */
export function valueOf(figure) {
  return figure !== null && typeof figure === "object" ? figure.value : figure;
}

/** The column of a figure, followed by those of its comparison where it is compared. */
export function figureColumns(name, key, kind, rows) {
  const isCompared = rows.some((row) => row[key] !== null && typeof row[key] === "object");
  const column = { name, key, kind, value: (row) => valueOf(row[key]) };
  if (!isCompared) return [column];
  return [
    column,
    { name: `${name} before`, kind, value: (row) => row[key]?.comparison },
    { name: "Change", kind: "change", value: (row) => row[key]?.change_pct },
  ];
}
