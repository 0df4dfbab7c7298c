// One room: its figures, and its votes over time.

import { bucketColumn, bucketsOf, isQuiet, seriesOf } from "../buckets.js";
import { lines } from "../charts.js";
import { element } from "../dom.js";
import { instant, label } from "../format.js";
import { figureColumns, table } from "../tables.js";
import { addressOf, callOf, parametersOf } from "../view.js";

const FIGURES = [
  ["votes", "Votes", "count", "higher"],
  ["estimations", "Estimations", "count", "higher"],
  ["estimations_per_vote", "Estimations per vote", "count", null],
  ["avg_avg_estimation", "Mean estimation", "count", null],
  ["duration", "Time per vote", "seconds", null],
  ["spectators_per_vote", "Spectators per vote", "count", null],
];
const SERIES = [
  ["votes", "Votes"],
  ["estimations", "Estimations"],
];

// A room is one room: filters of the other pages don't concern it.
const unfiltered = (view, ...names) => parametersOf({ ...view, filters: [] }, ...names);
const callOfRoom = (view) => callOf(`rooms/${encodeURIComponent(view.room)}`, unfiltered(view, "granularity", "compare"));
const seriesAnswer = ({ data, query }) => ({ data: data.series, query });

export const room = {
  controls: ["date_range", "granularity", "compare", "timezone"],
  heading: ({ api, view }) => {
    const name = element("h1", {}, "Room");
    const used = element("p", { class: "muted" });
    api.get(callOfRoom(view)).then(
      ({ data: { room }, query }) => {
        name.textContent = `Room ${label(room.name)}`;
        const day = (text) => instant(text, query.timezone, { dateStyle: "medium" });
        used.textContent = room.first_used_at ? `In use since ${day(room.first_used_at)}, last on ${day(room.last_used_at)}` : "";
      },
      () => {},
    );
    const back = element("a", { href: addressOf({ ...view, room: "" }) }, "← All rooms and figures");
    return [element("div", { class: "page-heading" }, back, name, used)];
  },
  figures: ({ view }) =>
    FIGURES.map(([field, label, kind, better]) => ({
      endpoint: `rooms/${view.room}`,
      field,
      label,
      kind,
      better,
      call: callOfRoom,
      read: ({ data }) => data.room[field] ?? null,
    })),
  panels: ({ view }) => [
    {
      id: `rooms/${view.room}`,
      title: "Votes over time",
      unit: "votes and the estimations in them",
      size: "full",
      height: "tall",
      empty: "This room did not vote in this period.",
      call: callOfRoom,
      isEmpty: ({ data }) => isQuiet(data.series, ["votes"]),
      chart: (answer) => {
        const series = seriesAnswer(answer);
        return lines({ buckets: bucketsOf(series), series: SERIES.map(([key, name]) => seriesOf(series, name, key)), kind: "count" });
      },
      table: (answer) => {
        const { data } = seriesAnswer(answer);
        const figures = SERIES.flatMap(([key, name]) => figureColumns(name, key, "count", data));
        return table("Votes over time", [bucketColumn(answer), ...figures], data);
      },
    },
  ],
};
