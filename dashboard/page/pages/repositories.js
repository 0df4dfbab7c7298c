// Git repositories: all codebases together and side by side; a name leads to the codebase's own page.

import { bars } from "../charts.js";
import { element } from "../dom.js";
import { instant } from "../format.js";
import { pager, scrolled, sorting } from "../paging.js";
import { table, valueOf } from "../tables.js";
import { addressOf, callAt } from "../view.js";
import { totals } from "./code_totals.js";
import { codebase } from "./codebase.js";

const PAGE = 20;
const BY_COMMITS = "total_commits:desc";
const TEXTS = ["display_name", "primary_language", "analytics_status"];
const period = ({ date_range, timezone }) => ({ date_range, timezone });

const COLUMNS = [
  ["total_commits", "Commits"],
  ["total_contributors", "People"],
  ["total_churn", "Lines changed"],
  ["current_sloc", "Source lines"],
  ["total_branches", "Branches"],
];

const codebases = {
  id: "codebases",
  title: "Codebases",
  unit: "commits, people and lines of this period; source lines and branches of now",
  size: "full",
  empty: "No codebase is known. REPOSITORIES_FILE lists those to analyse.",
  call: (view, { order = BY_COMMITS, offset = 0 }) =>
    callAt("/analytics/codebases", { ...period(view), order_by: order, limit: PAGE, offset: offset || null }),
  isEmpty: ({ data }) => !data.length,
  chart: ({ data }) =>
    bars({ names: data.map(({ display_name }) => display_name), values: data.map(({ total_commits }) => valueOf(total_commits)), kind: "count" }),
  body: ({ data, meta, query }, panel) => [codebaseTable(data, query, panel), pager(meta.total_rows, PAGE, panel)],
};

function codebaseTable(data, query, panel) {
  const { view } = panel.app;
  const link = ({ codebase_id, display_name }) =>
    element("a", { href: addressOf({ ...view, codebase: codebase_id, filters: [] }), title: display_name }, display_name);
  const columns = [
    { name: "Codebase", key: "display_name", cell: link },
    ...COLUMNS.map(([key, name]) => ({ name, key, kind: "count", value: (row) => row[key] })),
    { name: "Language", key: "primary_language", value: (row) => row.primary_language },
    { name: "Last commit", key: "last_commit_date", value: (row) => instant(row.last_commit_date, query.timezone, { dateStyle: "medium" }) },
    { name: "Status", key: "analytics_status", value: (row) => row.analytics_status },
  ];
  return scrolled("Codebases", table("Codebases", columns, data, sorting(panel, BY_COMMITS, TEXTS)), "rooms");
}

export const repositories = {
  id: "repositories",
  title: "Repositories",
  scope: "repositories:read",
  isThere: ({ read_models }) => read_models.includes("repositories"),
  controls: ["date_range", "compare", "timezone"],
  figures: () => totals("summary", (view) => callAt("/analytics/summary", { ...period(view), compare: view.compare })),
  panels: () => [codebases],
  detail: ({ codebase: id }) => (id ? codebase : null),
};
