// Tables of figures.

import { element, icon } from "./dom.js";
import { write } from "./format.js";

/**
 * A table. The first column names the row.
 *
 * @param columns {name, kind, value(row), cell(row)}: `value` is written by its kind, `cell` gives an element instead.
 * @param sorting {column, descending, by(key)} for columns with a `key`, or nothing.
 */
export function table(caption, columns, rows, sorting = null) {
  return element(
    "table",
    {},
    element("caption", { class: "unseen" }, caption),
    element("thead", {}, element("tr", {}, columns.map((column) => heading(column, sorting)))),
    element("tbody", {}, rows.map((row) => element("tr", {}, columns.map((column, i) => cell(column, row, i === 0))))),
  );
}

function heading(column, sorting) {
  const attributes = { scope: "col", class: isNumber(column) ? "number" : null };
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

function cell(column, row, isName) {
  const shown = column.cell ? column.cell(row) : write[column.kind ?? "text"](column.value(row));
  if (isName) return element("th", { scope: "row" }, shown);
  return element("td", { class: isNumber(column) ? "number" : null }, shown);
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
