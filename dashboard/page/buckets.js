// Series of the API as charts and tables need them.

import { bucketName } from "./format.js";
import { valueOf } from "./tables.js";

/** The buckets of a series, as charts show them. */
export function bucketsOf({ data, query }) {
  const granularity = query.granularity ?? query.period ?? "day";
  return data.map((row) => ({
    name: bucketName(row.start, granularity),
    title: bucketName(row.start, granularity, { withYear: true }),
    open: row.partial,
    other: row.comparison_start && bucketName(row.comparison_start, granularity, { withYear: true }),
  }));
}

/** One figure of a series: its values, and those of the other period where it is compared. */
export function seriesOf({ data }, name, key) {
  const isCompared = data.some((row) => row[key] !== null && typeof row[key] === "object");
  const others = isCompared && data.map((row) => row[key]?.comparison ?? null);
  return { name, values: data.map((row) => valueOf(row[key] ?? null)), others: others || null };
}

/** The column that names a bucket. */
export function bucketColumn({ query }) {
  const granularity = query.granularity ?? "day";
  const value = (row) => bucketName(row.start, granularity, { withYear: true }) + (row.partial ? " (so far)" : "");
  return { name: "From", value };
}

/** Whether no row has any of these figures. */
export function isQuiet(rows, keys) {
  return rows.every((row) => keys.every((key) => !valueOf(row[key] ?? null)));
}
