// Planning poker: who comes, from where, what they do, and whether they return.

import { bucketColumn, bucketsOf, isQuiet, seriesOf } from "../buckets.js";
import { columns, heat, lines, loadWorld, map } from "../charts.js";
import { bucketName, countryName, hours, label, weekdays, words, write } from "../format.js";
import { gains } from "../gains.js";
import { list } from "../lists.js";
import { figureColumns, table, valueOf } from "../tables.js";
import { callOf, daysOf, parametersOf, toggled } from "../view.js";
import { rooms } from "./rooms.js";

const FIGURES = [
  ["traffic", "visitors", "Visitors", "count", "higher", "People with a page view"],
  ["traffic", "visits", "Visits", "count", "higher", "They end after ten minutes without activity"],
  ["traffic", "page_views", "Page views", "count", "higher", "Pages that were looked at"],
  ["traffic", "bounce_rate", "Bounce rate", "share", "lower", "Visitors who never estimated"],
  ["traffic", "visit_duration", "Visit duration", "seconds", "higher", "Mean length of a visit"],
  ["votes", "total_votes", "Votes", "count", "higher", "Rounds that were played"],
  ["votes", "total_estimations", "Estimations", "count", "higher", "Cards that were played in those votes"],
  ["votes", "avg_estimations_per_vote", "Estimations per vote", "count", null, "Mean number of cards of a vote"],
];

function figures() {
  return FIGURES.map(([endpoint, field, label, kind, better, note]) => ({
    endpoint,
    field,
    label,
    kind,
    better,
    note,
    call: (view) => callOf(endpoint, parametersOf(view, "compare")),
    read: ({ data }) => data[field] ?? null,
  }));
}

const OVER_TIME = [
  ["visitors", "Visitors", "count"],
  ["page_views", "Page views", "count"],
  ["estimations", "Estimations", "count"],
  ["votes", "Votes", "count"],
];

const overTime = {
  id: "historical",
  title: "Over time",
  unit: "dashed: not over yet; grey: the period compared with",
  size: "full",
  height: "tall",
  empty: "Nobody came in this period.",
  choices: [{ name: "figure", legend: "Figure", options: OVER_TIME }],
  // One figure at a time: a filter that does not apply to one of them leaves the others alone.
  call: (view, { figure }) => callOf("historical", { ...parametersOf(view, "granularity", "compare"), metrics: figure }),
  isEmpty: ({ data }) => isQuiet(data, OVER_TIME.map(([key]) => key)),
  chart: (answer, { chosen }) => {
    const [key, name, kind] = OVER_TIME.find(([key]) => key === chosen.figure);
    return lines({ buckets: bucketsOf(answer), series: [seriesOf(answer, name, key)], kind });
  },
  table: (answer, { chosen }) => {
    const [key, name, kind] = OVER_TIME.find(([key]) => key === chosen.figure);
    return table("Over time", [bucketColumn(answer), ...figureColumns(name, key, kind, answer.data)], answer.data);
  },
};

const RETURNING = [
  ["reoccurring_users", "People"],
  ["reoccurring_rooms", "Teams (rooms)"],
];
const RETURNED_LATELY = [
  ["adjusted_reoccurring_users", "People, active in the last 30 days"],
  ["adjusted_reoccurring_rooms", "Teams, active in the last 30 days"],
];

const returning = {
  id: "reoccurring",
  title: "Who came back",
  unit: "active on two days or more, so far",
  size: "half",
  height: "tall",
  empty: "Nobody had come back yet.",
  call: (view) => {
    const granularity = view.granularity === "hour" ? "day" : view.granularity;
    return callOf("reoccurring", parametersOf({ ...view, granularity }, "granularity", "compare"));
  },
  isEmpty: ({ data }) => isQuiet(data, RETURNING.map(([key]) => key)),
  chart: (answer) =>
    lines({ buckets: bucketsOf(answer), series: RETURNING.map(([key, name]) => seriesOf(answer, name, key)), kind: "count" }),
  table: (answer) => {
    const figures = [...RETURNING, ...RETURNED_LATELY].flatMap(([key, name]) => figureColumns(name, key, "count", answer.data));
    return table("Who came back", [bucketColumn(answer), ...figures], answer.data);
  },
};

const ENTITIES = {
  name: "entity",
  legend: "Whose",
  options: [
    ["user", "People"],
    ["room", "Teams"],
  ],
};
// Name, and the colour by its number.
const LIFECYCLE = [
  ["new", "New", 2],
  ["returning", "Returning", 0],
  ["resurrecting", "Back after a break", 3],
  ["dormant", "Stayed away", 4],
];

const lifecycle = {
  id: "lifecycle",
  title: "Lifecycle",
  unit: "who is new, stays, comes back or stays away",
  size: "half",
  height: "tall",
  empty: "Nobody estimated in this period.",
  choices: [ENTITIES],
  call: (view, { entity }) => {
    // Whoever returns does so in days at the soonest: a bucket of hours, or one of days of a long period, tells little.
    const granularity = view.granularity === "auto" ? cohortOf(view).period : view.granularity;
    return callOf("lifecycle", { ...parametersOf({ ...view, granularity }, "granularity"), entity });
  },
  ...gains("Lifecycle", LIFECYCLE, "dormant"),
};

// The longest span, in days, that cohorts of a length suit, and how many intervals they are followed.
const COHORTS = [
  [14, "day", 7],
  [45, "week", 6],
  [120, "week", 12],
  [Infinity, "month", 12],
];
const INTERVALS = { day: "Day", week: "Week", month: "Month" };

function cohortOf(view) {
  const [, period, total_intervals] = COHORTS.find(([days]) => daysOf(view) <= days);
  return { period, total_intervals };
}

const retention = {
  id: "retention",
  title: "Retention",
  unit: "share of those who came for the first time that is active later",
  size: "half",
  height: "tall",
  empty: "Nobody came for the first time in this period.",
  choices: [ENTITIES],
  call: (view, { entity }) => callOf("retention", { ...parametersOf(view), ...cohortOf(view), entity }),
  isEmpty: ({ data }) => !data.cohorts.some(({ size }) => size),
  chart: retentionChart,
  table: retentionTable,
};

function cohortName(cohort, query) {
  return bucketName(cohort.start, query.period);
}

function retentionChart({ data: { cohorts, weighted_mean }, query }) {
  const down = [...cohorts.map((cohort) => `${cohortName(cohort, query)}  (${write.count(cohort.size)})`), "All"];
  const rows = [...cohorts.map(({ cells }) => cells), weighted_mean];
  // The first interval is the cohort itself, all of it.
  const cells = rows.flatMap((cells, y) => cells.slice(1).map(({ rate }, x) => [x, y, rate]));
  const name = INTERVALS[query.period];
  return heat({
    across: weighted_mean.slice(1).map(({ interval }) => `${name} ${interval}`),
    down,
    cells,
    most: Math.max(...cells.map(([, , rate]) => rate ?? 0)),
    kind: "share",
    labelled: true,
    tip: (x, y, rate) => `${down[y]}\n${name} ${x + 1}: ${write.share(rate)}`,
  });
}

function retentionTable({ data: { cohorts, weighted_mean }, query }) {
  const all = { ...weighted_mean[0], cells: weighted_mean };
  const intervals = weighted_mean.map((_, i) => ({
    name: `${INTERVALS[query.period]} ${i}`,
    kind: "share",
    value: ({ cells }) => cells[i].rate,
  }));
  const name = { name: "Came first", value: (cohort) => (cohort.start ? cohortName(cohort, query) : "All") };
  return table("Retention", [name, { name: "Size", kind: "count", value: ({ size }) => size }, ...intervals], [...cohorts, all]);
}

const RHYTHM = {
  name: "figure",
  legend: "Figure",
  options: [
    ["votes", "Votes"],
    ["visitors", "Visitors"],
    ["page_views", "Page views"],
  ],
};

const rhythm = {
  id: "rhythm",
  title: "When people play",
  unit: "by weekday and hour of the time zone",
  size: "half",
  height: "tall",
  empty: "Nobody played in this period.",
  choices: [RHYTHM],
  call: (view, { figure }) => callOf("rhythm", { ...parametersOf(view), metrics: figure }),
  isEmpty: ({ data }) => isQuiet(data, RHYTHM.options.map(([key]) => key)),
  chart: ({ data }, { chosen }) => {
    const [days, times] = [weekdays("long"), hours()];
    const cells = data.map((row) => [row.hour, row.weekday - 1, row[chosen.figure] || null]);
    const unit = rhythmName(chosen).toLowerCase();
    return heat({
      across: times,
      down: weekdays(),
      cells,
      most: Math.max(...cells.map(([, , value]) => value ?? 0)),
      kind: "count",
      labelled: false,
      tip: (x, y, value) => `${days[y]}, ${times[x]}\n${write.count(value)} ${unit}`,
    });
  },
  table: ({ data }, { chosen }) => {
    const [days, times] = [weekdays("long"), hours()];
    const name = { name: "Weekday and hour", value: ({ weekday, hour }) => `${days[weekday - 1]}, ${times[hour]}` };
    return table("When people play", [name, ...figureColumns(rhythmName(chosen), chosen.figure, "count", data)], data);
  },
};

function rhythmName({ figure }) {
  return RHYTHM.options.find(([key]) => key === figure)[1];
}

const estimationCounts = {
  id: "votes/estimation_counts",
  title: "Estimation values",
  unit: "estimations per card",
  size: "third",
  empty: "Nobody estimated in this period.",
  call: (view) => callOf("votes", { ...parametersOf(view, "compare"), metrics: "estimation_counts" }),
  isEmpty: ({ data }) => !cards(data).length,
  chart: ({ data }) => {
    const rows = cards(data);
    return columns({ names: rows.map(({ card }) => card), values: rows.map(({ count }) => valueOf(count)), kind: "count", unit: "estimations" });
  },
  table: ({ data }) => {
    const rows = cards(data);
    return table("Estimation values", [{ name: "Card", value: ({ card }) => card }, ...figureColumns("Estimations", "count", "count", rows)], rows);
  },
};

function cards(data) {
  return Object.entries(data.estimation_counts).map(([card, count]) => ({ card, count }));
}

const is = (attribute, ...values) => ["is", attribute, values];

const countries = list({
  id: "location/country",
  title: "Countries",
  labelled: "Country",
  counted: "New users",
  size: "wide",
  height: "map",
  hasChart: true,
  prepare: loadWorld,
  nameOf: ({ name }) => countryName(name),
  filterOf: ({ name }) => is("country", name),
  chart: ({ data }) => {
    const values = data.map(({ name, count }) => ({ name, value: valueOf(count), title: `${countryName(name)}\n${write.count(valueOf(count))} new users` }));
    return map({ values, most: Math.max(...values.map(({ value }) => value)) });
  },
  click: ({ name, value }, { app }) => Number.isFinite(value) && app.change(toggled(app.view, is("country", name))),
});

const userList = (attribute, title, labelled) =>
  list({ id: `location/${attribute}`, title, labelled, counted: "New users", filterOf: ({ name }) => is(attribute, name) });

const placeList = (id, attribute, title, labelled) =>
  list({
    id: `location/${id}`,
    title,
    labelled,
    size: "pair",
    counted: "New users",
    nameOf: ({ country, name }) => `${label(name)}, ${countryName(country)}`,
    filterOf: ({ country, name }) => ["and", [is("country", country), is(attribute, name)]],
  });

const behaviourList = (id, attribute, title, labelled, counted, nameOf = ({ name }) => label(name)) =>
  list({ id: `behaviour/${id}`, title, labelled, counted, nameOf, filterOf: ({ name }) => is(attribute, name) });

const readable = ({ name }) => words(name);

export const poker = {
  id: "",
  title: "Planning poker",
  scope: "fpp:read",
  controls: ["date_range", "granularity", "compare", "timezone"],
  figures,
  panels: () => [
    overTime,
    behaviourList("sources", "source", "Sources", "Source", "Page views"),
    countries,
    returning,
    retention,
    lifecycle,
    rhythm,
    rooms,
    behaviourList("routes", "route", "Pages", "Page", "Page views", readable),
    behaviourList("events", "event", "Events", "Event", "Events", readable),
    estimationCounts,
    userList("device", "Devices", "Device"),
    userList("os", "Systems", "System"),
    userList("browser", "Browsers", "Browser"),
    placeList("country_region", "region", "Regions", "Region"),
    placeList("country_city", "city", "Cities", "City"),
  ],
};
