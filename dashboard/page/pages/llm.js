// LLM usage of an organisation: spend, calls, failures and latencies, and the calls of an incident.

import { SERIES, lines, stacked } from "../charts.js";
import { bucketName, instant } from "../format.js";
import { scrolled } from "../paging.js";
import { table } from "../tables.js";
import { callAt, daysOf } from "../view.js";

const ROOT = "/analytics/v1/orgs";
const PERCENTILES = ["p50", "p95", "p99"];
const FAILURES = ["error", "timeout", "throttled"];
const INCIDENTS = 50;
// The longest span, in days, that is shown by such buckets.
const GRANULARITIES = [
  [2, "hour"],
  [92, "day"],
  [366, "week"],
  [Infinity, "month"],
];
const KNOWN = ["hour", "day", "week", "month"];

function granularityOf(view) {
  if (KNOWN.includes(view.granularity)) return view.granularity;
  return view.granularity === "auto" ? GRANULARITIES.find(([days]) => daysOf(view) <= days)[1] : "month";
}

const callOfOrg = (app, name, parameters) => (view) =>
  callAt(`${ROOT}/${encodeURIComponent(view.org || app.organisations[0])}/${name}`, parameters(view));
const range = ({ date_range, timezone }) => ({ date_range, timezone });
const series = (groupBy) => (view) => ({ ...range(view), granularity: granularityOf(view), groupBy });

const modelName = (id) => id ?? "Without a model";

/** The buckets of a series that has its newest first, one row per bucket and group, in order of time. */
function bucketsOf({ series, granularity, meta }) {
  const isOpen = meta.end > meta.data_updated_at;
  const starts = [...new Set(series.map(({ bucketStart }) => bucketStart))].reverse();
  return starts.map((start, i) => ({
    start,
    name: bucketName(start, granularity),
    title: bucketName(start, granularity, { withYear: true }),
    open: isOpen && i === starts.length - 1,
  }));
}

function perModel(answer, valueOf) {
  const buckets = bucketsOf(answer);
  const found = new Map(answer.series.map((row) => [`${row.bucketStart} ${row.modelId}`, row]));
  const named = new Set(answer.series.map(({ modelId }) => modelId));
  // Calls without a model come last.
  const models = [...[...named].filter((id) => id != null).sort(), ...(named.has(null) ? [null] : [])];
  return {
    buckets,
    series: models.map((model, i) => ({
      name: modelName(model),
      colour: i % SERIES,
      values: buckets.map(({ start }) => valueOf(found.get(`${start} ${model}`)) ?? 0),
    })),
  };
}

const columnsOfBucket = ({ granularity }) => ({ name: "From", value: (row) => bucketName(row.bucketStart, granularity, { withYear: true }) });
const figure = (name, kind, value) => ({ name, kind, value });

const USAGE = [
  figure("Spend", "cents", (row) => row.costEstimateCents),
  figure("Unpriced calls", "count", (row) => row.unpricedInvocations),
  figure("Calls", "count", (row) => row.invocations),
  figure("Input tokens", "count", (row) => row.inputTokens),
  figure("Output tokens", "count", (row) => row.outputTokens),
];
const RELIABILITY = [
  figure("Calls", "count", (row) => row.invocations),
  figure("Not successful", "share", (row) => row.errorRate),
  figure("Errors", "share", (row) => row.errorOnlyRate),
  ...PERCENTILES.map((name) => figure(name, "milliseconds", (row) => row.latencyMs[name])),
];

const common = { size: "half", height: "tall", empty: "No calls in this period.", isEmpty: ({ series }) => !series.length };

function usagePanel(app, id, title, unit, kind, valueOf) {
  return {
    ...common,
    id: `usage/${id}`,
    title,
    unit,
    call: callOfOrg(app, "usage", series("model")),
    chart: (answer) => stacked({ ...perModel(answer, valueOf), kind }),
    table: (answer) => table(title, [columnsOfBucket(answer), figure("Model", "text", (row) => modelName(row.modelId)), ...USAGE], answer.series),
  };
}

function reliabilityPanel(app, id, title, unit, kind, names) {
  return {
    ...common,
    id: `reliability/${id}`,
    title,
    unit,
    call: callOfOrg(app, "reliability", series("none")),
    chart: (answer) => {
      const rows = answer.series.toReversed();
      return lines({ buckets: bucketsOf(answer), series: names.map(([name, valueOf]) => ({ name, values: rows.map(valueOf) })), kind });
    },
    table: (answer) => table(title, [columnsOfBucket(answer), ...RELIABILITY], answer.series),
  };
}

const freshness = (app) => ({
  id: "freshness",
  title: "Freshness",
  unit: "when each model was last called",
  size: "full",
  hasCsv: false,
  empty: "No calls are known.",
  call: callOfOrg(app, "freshness", () => ({})),
  isEmpty: ({ entries }) => !entries.length,
  chart: ({ entries }) => lagChart(entries),
  body: (answer) => {
    const at = (text) => instant(text, app.view.timezone);
    const columns = [
      figure("Model", "text", (row) => modelName(row.modelId)),
      figure("Last call", "text", (row) => at(row.lastEventAt)),
      figure("Known up to", "text", (row) => at(row.lastRollupAt)),
      figure("Status", "text", (row) => row.status),
    ];
    return [scrolled("Freshness", table("Freshness", columns, answer.entries))];
  },
});

function lagChart(entries) {
  const buckets = entries.map(({ modelId }) => ({ name: modelName(modelId), title: modelName(modelId), open: false }));
  return stacked({ buckets, series: [{ name: "Seconds since the last call", values: entries.map((row) => row.eventLagSeconds) }], kind: "count" });
}

const incidents = (app) => ({
  id: "incidents",
  title: "Failed calls",
  unit: "the newest first; download them all as CSV",
  size: "full",
  empty: "No call failed in this period.",
  call: callOfOrg(app, "incidents", (view) => ({ ...range(view), status: FAILURES, limit: INCIDENTS, format: "json" })),
  csv: callOfOrg(app, "incidents", (view) => ({ ...range(view), status: FAILURES, format: "csv" })),
  isEmpty: ({ events }) => !events.length,
  chart: ({ events }) => latencyChart(events),
  body: ({ events }) => {
    const columns = [
      figure("At", "text", (row) => instant(row.occurred_at, app.view.timezone, { dateStyle: "medium", timeStyle: "medium" })),
      figure("Model", "text", (row) => modelName(row.model_id)),
      figure("Status", "text", (row) => row.status),
      figure("Code", "text", (row) => row.error_code),
      figure("Latency", "milliseconds", (row) => row.latency_ms),
      figure("Actor", "text", (row) => row.actor_id),
      figure("Event", "text", (row) => row.event_id),
    ];
    return [scrolled("Failed calls", table("Failed calls", columns, events))];
  },
});

function latencyChart(rows) {
  const buckets = rows.map(({ occurred_at, model_id }) => ({ name: occurred_at, title: modelName(model_id), open: false }));
  return stacked({ buckets, series: [{ name: "Latency", values: rows.map((row) => row.latency_ms) }], kind: "milliseconds" });
}

const FIGURES = [
  ["usage", "costEstimateCents", "Spend", "cents", ({ totals }) => totals.costEstimateCents],
  ["usage", "invocations", "Calls", "count", ({ totals }) => totals.invocations],
  ["usage", "unpricedInvocations", "Calls without a price", "count", ({ totals }) => totals.unpricedInvocations],
  ["usage", "inputTokens", "Input tokens", "count", ({ totals }) => totals.inputTokens],
  ["usage", "outputTokens", "Output tokens", "count", ({ totals }) => totals.outputTokens],
  ["reliability", "errorRate", "Not successful", "share", ({ totals }) => totals.errorRate],
  ["reliability", "latencyMs.p95", "Latency, p95", "milliseconds", ({ totals }) => totals.latencyMs.p95],
  ["reliability", "latencyMs.p99", "Latency, p99", "milliseconds", ({ totals }) => totals.latencyMs.p99],
];

export const llm = {
  id: "llm",
  title: "LLM usage",
  scope: "llm:read",
  isThere: ({ read_models }) => read_models.includes("llm"),
  controls: ["org", "date_range", "granularity", "timezone"],
  begin: async (app) => {
    const { orgs } = await app.api.get(ROOT);
    app.organisations = orgs.map(({ orgId }) => orgId);
  },
  figures: (app) =>
    FIGURES.map(([endpoint, field, label, kind, read]) => ({
      endpoint,
      field,
      label,
      kind,
      read,
      call: callOfOrg(app, endpoint, series(endpoint === "usage" ? "model" : "none")),
    })),
  panels: (app) => [
    usagePanel(app, "cost", "Spend", "by model", "cents", (row) => row?.costEstimateCents),
    usagePanel(app, "calls", "Calls", "by model", "count", (row) => row?.invocations),
    reliabilityPanel(app, "errors", "Failures", "share of calls", "share", [
      ["Not successful", (row) => row.errorRate],
      ["Errors", (row) => row.errorOnlyRate],
    ]),
    reliabilityPanel(app, "latency", "Latency", "milliseconds", "milliseconds", PERCENTILES.map((name) => [name, (row) => row.latencyMs[name]])),
    freshness(app),
    incidents(app),
  ],
};
