// The figures that one codebase and all of them have in common.

import { valueOf } from "../tables.js";

const OF_PERIOD = [
  ["total_commits", "Commits", "Merges included"],
  ["total_contributors", "People", "With a commit in this period"],
  ["total_churn", "Lines changed", "Added or deleted; what a merge brings counts where it was committed"],
  ["additions_lines", "Lines added"],
  ["deletions_lines", "Lines deleted"],
];
const OF_NOW = [
  ["total_branches", "Branches", "That there are now"],
  ["current_sloc", "Source lines", "Of the default branch now, 50 bytes each"],
  ["total_files", "Files", "Of the default branch now"],
];

/** Figures as `Figures` takes them, of an endpoint that answers all of them. */
export function totals(endpoint, call) {
  const figure = ([field, label, note], read) => ({ endpoint, field, label, note, call, kind: "count", better: null, read });
  return [
    ...OF_PERIOD.map((each) => figure(each, ({ data }) => data[each[0]])),
    ...OF_NOW.map((each) => figure(each, ({ data }) => valueOf(data[each[0]]))),
  ];
}
