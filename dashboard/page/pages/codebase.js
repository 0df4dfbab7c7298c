// One codebase: what happened, who knows what, where and when it changes.

import { bucketColumn, bucketsOf, isQuiet, seriesOf } from "../buckets.js";
import { heat, lines, stacked } from "../charts.js";
import { element } from "../dom.js";
import { hours, instant, label, weekdays, write } from "../format.js";
import { gains } from "../gains.js";
import { list } from "../lists.js";
import { scrolled } from "../paging.js";
import { figureColumns, table } from "../tables.js";
import { addressOf, callAt, onPage, toggled } from "../view.js";
import { totals } from "./code_totals.js";

const FILTERS = ["branch", "path", "author"];
// Rows of each list that are asked for.
const MOST = 100;

const root = ({ codebase }) => `/codebases/${encodeURIComponent(codebase)}/analytics`;
const is = (attribute, value) => ["is", attribute, [value]];

/** The parameters of the filters that concern code. */
function selectionOf({ filters }) {
  const chosen = filters.filter(([operator, attribute]) => operator === "is" && FILTERS.includes(attribute));
  return Object.fromEntries(chosen.map(([, attribute, values]) => [attribute, [values].flat()[0]]));
}

function callOfCode(view, endpoint, further = {}) {
  const { date_range, timezone } = view;
  return callAt(`${root(view)}/${endpoint}`, { date_range, timezone, ...selectionOf(view), ...further });
}

const day = (text, timezone) => instant(text, timezone, { dateStyle: "medium" });

const ACTIVITY = [
  ["commits", "Commits"],
  ["churn", "Lines changed"],
  ["active_contributors", "People"],
  ["files_changed", "Files changed"],
];
const activityCall = (view) => callOfCode(view, "activity", { granularity: view.granularity, compare: view.compare });

const activity = {
  id: "activity",
  title: "Activity",
  unit: "dashed: not over yet; grey: the period compared with",
  size: "half",
  height: "tall",
  empty: "Nobody committed in this period.",
  choices: [{ name: "figure", legend: "Figure", options: ACTIVITY }],
  call: activityCall,
  isEmpty: ({ data }) => isQuiet(data, ACTIVITY.map(([key]) => key)),
  chart: (answer, { chosen }) => {
    const [key, name] = ACTIVITY.find(([key]) => key === chosen.figure);
    return lines({ buckets: bucketsOf(answer), series: [seriesOf(answer, name, key)], kind: "count" });
  },
  table: (answer) => {
    const figures = ACTIVITY.flatMap(([key, name]) => figureColumns(name, key, "count", answer.data));
    return table("Activity", [bucketColumn(answer), ...figures], answer.data);
  },
};

// Name, and the colour by its number.
const LINES = [
  ["additions", "Added", 2],
  ["deletions", "Deleted", 4],
];

const changedLines = {
  id: "activity/lines",
  title: "Lines",
  unit: "lines added, and below them those deleted",
  size: "half",
  height: "tall",
  empty: "No line changed in this period.",
  call: activityCall,
  ...gains("Lines", LINES, "deletions"),
};

const AREAS = [
  ["directory", "Directories"],
  ["file", "Files"],
  ["language", "Languages"],
];

const DEEPEST = 20;

/** One level below the path that is looked at; the API's own depth at the top. */
const depthOf = ({ path = "" }) => Math.min(Math.max(2, path.split("/").length), DEEPEST);

function areaFilter(row, { chosen }) {
  const name = row[chosen.by];
  if (chosen.by === "language" || name === "root") return null;
  return is("path", chosen.by === "file" ? name : `${name}/`);
}

const ownerOf = ({ primary_owner: { name, email, share } }) => `${write.share(share)} ${name || email}`;

const ownership = list({
  id: "ownership",
  title: "Ownership",
  unit: "who changed which part most; how many people did half of it",
  size: "half",
  most: MOST,
  labelled: "Part",
  counted: "Source lines",
  empty: "Nothing changed in this period.",
  choices: [{ name: "by", legend: "Parts", options: AREAS }],
  call: (view, { by }) =>
    callOfCode(view, "ownership", { by, depth: by === "directory" ? depthOf(selectionOf(view)) : null, limit: MOST }),
  nameOf: (row, { chosen }) => label(row[chosen.by]),
  countOf: ({ sloc }) => sloc,
  filterOf: areaFilter,
  further: [
    { name: "Most by", kind: "text", isDetail: true, isMuted: true, value: ownerOf },
    { name: "People", kind: "count", value: (row) => row.unique_contributors },
    { name: "Half by", kind: "count", value: (row) => row.contributor_absence_factor },
  ],
});

const contributors = list({
  id: "contributors",
  title: "People",
  unit: "who commits; gone: without a commit for 90 days",
  size: "half",
  most: MOST,
  labelled: "Person",
  counted: "Commits",
  empty: "Nobody committed in this period.",
  call: (view) => callOfCode(view, "contributors", { limit: MOST }),
  nameOf: ({ name, email }) => name || email,
  countOf: ({ commits }) => commits,
  filterOf: ({ email }) => is("author", email),
  further: [
    { name: "Lines changed", kind: "count", value: ({ churn }) => churn },
    { name: "Days", kind: "count", isDetail: true, value: ({ active_days }) => active_days },
    { name: "Status", kind: "text", isDetail: true, isMuted: true, value: ({ status }) => status },
  ],
});

const filesCall = (view) => callOfCode(view, "files", { limit: MOST });

const hotSpots = list({
  id: "files",
  title: "Hot spots",
  unit: "the files that change most",
  size: "half",
  most: MOST,
  labelled: "File",
  counted: "Changes",
  empty: "Nothing changed in this period.",
  call: filesCall,
  rowsOf: ({ data }) => data.files,
  nameOf: ({ path }) => path,
  countOf: ({ changes }) => changes,
  filterOf: ({ path }) => is("path", path),
  further: [
    { name: "People", kind: "count", value: ({ authors }) => authors },
    { name: "Lines changed", kind: "count", value: ({ churn }) => churn },
  ],
});

const together = list({
  id: "files/pairs",
  title: "Changed together",
  unit: "pairs of files, and how often a change of one comes with the other",
  size: "half",
  most: MOST,
  labelled: "Files",
  counted: "Commits",
  empty: "No two files changed together in this period.",
  hasCsv: false,
  call: filesCall,
  rowsOf: ({ data }) => data.pairs,
  nameOf: ({ path, other }) => `${path} + ${other}`,
  countOf: (row) => row.together,
  filterOf: () => null,
  further: [{ name: "Share", kind: "share", value: ({ share }) => share, isMuted: true }],
});

const rhythm = {
  id: "rhythm",
  title: "When people commit",
  unit: "by weekday and hour of each author's own clock",
  size: "half",
  height: "tall",
  empty: "Nobody committed in this period.",
  call: (view) => callOfCode(view, "rhythm"),
  isEmpty: ({ data }) => isQuiet(data, ["commits"]),
  chart: ({ data }) => {
    const [days, times] = [weekdays("long"), hours()];
    const cells = data.map(({ weekday, hour, commits }) => [hour, weekday - 1, commits || null]);
    return heat({
      across: times,
      down: weekdays(),
      cells,
      most: Math.max(...cells.map(([, , value]) => value ?? 0)),
      kind: "count",
      labelled: false,
      tip: (x, y, value) => `${days[y]}, ${times[x]}\n${write.count(value)} commits`,
    });
  },
  table: ({ data }) => {
    const [days, times] = [weekdays("long"), hours()];
    const name = { name: "Weekday and hour", value: ({ weekday, hour }) => `${days[weekday - 1]}, ${times[hour]}` };
    return table("When people commit", [name, ...figureColumns("Commits", "commits", "count", data)], data);
  },
};

const branches = {
  id: "branches",
  title: "Branches",
  unit: "the last changed first, whatever the period; own commits are those the default branch lacks",
  size: "half",
  empty: "There is no branch.",
  call: (view) => callAt(`${root(view)}/branches`, { author: selectionOf(view).author, limit: MOST }),
  isEmpty: ({ data }) => !data.length,
  chart: ({ data }) => {
    const buckets = data.map(({ name }) => ({ name, title: name, open: false }));
    return stacked({ buckets, series: [{ name: "Own commits", values: data.map((row) => row.own_commits) }], kind: "count" });
  },
  body: ({ data }, { app }) => {
    const columns = [
      { name: "Branch", cell: (row) => branchCell(row, app) },
      { name: "Status", value: ({ status }) => status },
      { name: "Last commit", value: (row) => day(row.last_commit, app.view.timezone) },
      ...[["own_commits", "Own commits"], ["churn", "Lines changed"], ["contributors", "People"]].map(([key, name]) => ({
        name,
        kind: "count",
        value: (row) => row[key],
      })),
    ];
    return [scrolled("Branches", table("Branches", columns, data))];
  },
};

function branchCell({ name, status }, app) {
  if (status === "deleted") return name;
  const clause = is("branch", name);
  const act = { type: "button", class: "link", title: name, "data-filter": JSON.stringify(clause) };
  return element("button", { ...act, click: () => app.change(toggled(app.view, clause)) }, name);
}

function heading({ api, view }) {
  const name = element("h1", {}, "Codebase");
  const extracted = element("p", { class: "muted" });
  const at = (text) => instant(text, view.timezone);
  api.get(callOfCode(view, "overview", { compare: view.compare })).then(
    ({ data }) => (name.textContent = data.display_name),
    () => {},
  );
  api.get(`${root(view)}/status`).then(
    ({ data }) => {
      const read = data.generated_at ? `Read on ${at(data.generated_at)}.` : "";
      const failed = data.status === "failed" ? `It fails since ${at(data.failed_since)}: ${data.error}` : "";
      extracted.textContent = `${read} ${failed}`.trim();
    },
    () => {},
  );
  const back = element("a", { href: addressOf(onPage(view, view.page)) }, "← All codebases");
  return [element("div", { class: "page-heading" }, back, name, extracted)];
}

export const codebase = {
  controls: ["date_range", "granularity", "compare", "timezone"],
  heading,
  figures: () => totals("overview", (view) => callOfCode(view, "overview", { compare: view.compare })),
  panels: () => [activity, changedLines, ownership, contributors, hotSpots, together, rhythm, branches],
};
