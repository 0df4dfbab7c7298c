// What is looked at. All of it is in the address, so that a view can be shared and the back button works.

import { countryName, label, words } from "./format.js";

export const RANGES = [
  ["realtime", "Last 30 minutes"],
  ["today", "Today"],
  ["yesterday", "Yesterday"],
  ["24h", "Last 24 hours"],
  ["7d", "Last 7 days"],
  ["28d", "Last 28 days"],
  ["30d", "Last 30 days"],
  ["91d", "Last 91 days"],
  ["last_week", "Last week"],
  ["month", "This month"],
  ["last_month", "Last month"],
  ["6mo", "Last 6 months"],
  ["12mo", "Last 12 months"],
  ["year", "This year"],
  ["all", "All time"],
];
export const GRANULARITIES = [
  ["auto", "Automatic"],
  ["hour", "Hours"],
  ["day", "Days"],
  ["week", "Weeks"],
  ["month", "Months"],
  ["quarter", "Quarters"],
  ["year", "Years"],
];
export const COMPARISONS = [
  ["previous_period", "Previous period"],
  ["year_over_year", "Year before"],
  ["", "Nothing"],
];

const DEFAULTS = {
  page: "",
  room: "",
  org: "",
  codebase: "",
  date_range: "30d",
  timezone: Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC",
  granularity: "auto",
  compare: "previous_period",
};
// Always in the address: another reader's defaults may differ.
const EXPLICIT = ["date_range", "timezone", "granularity", "compare"];

/** The view that an address asks for. */
export function viewOf(search) {
  const parameters = new URLSearchParams(search);
  const view = Object.fromEntries(Object.entries(DEFAULTS).map(([name, value]) => [name, parameters.get(name) ?? value]));
  return { ...view, filters: parsedFilters(parameters.get("filters")) };
}

function parsedFilters(text) {
  try {
    const clauses = JSON.parse(text ?? "[]");
    return Array.isArray(clauses) ? clauses : [];
  } catch {
    return [];
  }
}

/** The query string of a view. */
export function addressOf(view) {
  const names = Object.keys(DEFAULTS).filter((name) => EXPLICIT.includes(name) || view[name]);
  const parameters = new URLSearchParams(names.map((name) => [name, view[name]]));
  if (view.filters.length) parameters.set("filters", JSON.stringify(view.filters));
  return `?${parameters}`;
}

/** The path and query of a request to `/v1`; `parameters` that are null, undefined or empty are left out. */
export function callOf(path, parameters) {
  return callAt(`/v1/${path}`, parameters);
}

/** The path and query of a request; a parameter that is a list is repeated. */
export function callAt(path, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value != null && value !== "");
  const pairs = given.flatMap(([name, value]) => [value].flat().map((one) => [name, one]));
  return `${path}?${new URLSearchParams(pairs)}`;
}

/** The parameters that every endpoint with a period has, and those of `names` besides. */
export function parametersOf(view, ...names) {
  const filters = view.filters.length ? JSON.stringify(view.filters) : null;
  const further = Object.fromEntries(names.map((name) => [name, view[name]]));
  return { date_range: view.date_range, timezone: view.timezone, ...further, filters };
}

const same = (clause) => (other) => JSON.stringify(other) === JSON.stringify(clause);
// Attributes that one value is asked for at a time.
const SINGLE = ["path", "author", "branch"];

/** The view with a filter more, or without it if it is there. */
export function toggled(view, clause) {
  const others = view.filters.filter((other) => !same(clause)(other));
  if (others.length < view.filters.length) return { ...view, filters: others };
  const kept = others.filter(([, attribute]) => !SINGLE.includes(attribute) || attribute !== clause[1]);
  return { ...view, filters: [...kept, clause] };
}

/** Another page, of the same period; filters are those of one page, and of one codebase. */
export function onPage(view, page) {
  const isHere = page === view.page && !view.codebase;
  return { ...view, page, room: "", codebase: "", filters: isHere ? view.filters : [] };
}

const OPERATORS = {
  is: "is",
  is_not: "is not",
  contains: "contains",
  contains_not: "does not contain",
  matches: "matches",
  matches_not: "does not match",
};
const ATTRIBUTES = { os: "system", room_name: "room", estimation: "estimation" };

/** A filter in words. */
export function inWords(clause) {
  const words = described(clause);
  return words[0].toUpperCase() + words.slice(1);
}

function described(clause) {
  const [operator, ...rest] = Array.isArray(clause) ? clause : [String(clause)];
  if (operator === "not") return `not (${described(rest[0])})`;
  if (operator === "and" || operator === "or") return (rest[0] ?? []).map(described).join(` ${operator} `);
  const [attribute, values] = rest;
  const names = [values].flat().map((value) => valueName(attribute, value));
  return `${ATTRIBUTES[attribute] ?? attribute} ${OPERATORS[operator] ?? operator} ${names.join(" or ")}`;
}

/** What a value of an attribute is called. */
export function valueName(attribute, value) {
  if (attribute === "country") return countryName(value);
  return attribute === "route" || attribute === "event" ? words(value) : label(value);
}

const DAY_MS = 86_400_000;
const DAYS = { realtime: 1, today: 1, yesterday: 1, "24h": 1, "7d": 7, last_week: 7, "28d": 28, "30d": 30, month: 31, last_month: 31, "91d": 91 };

/** About how many days a view spans: decides on the length of a cohort, nothing else. */
export function daysOf(view) {
  const [first, last] = view.date_range.split(",").map((text) => Date.parse(text.slice(0, 10)));
  return last ? (last - first) / DAY_MS + 1 : (DAYS[view.date_range] ?? 365);
}
