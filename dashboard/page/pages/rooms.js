// The rooms as a table that can be sorted and paged; a name leads to the room's own page.

import { bars } from "../charts.js";
import { element, iconButton } from "../dom.js";
import { instant, label, write } from "../format.js";
import { table } from "../tables.js";
import { addressOf, callOf, parametersOf, toggled } from "../view.js";

const PAGE = 10;
const COLUMNS = [
  ["votes", "Votes", "count"],
  ["estimations", "Estimations", "count"],
  ["estimations_per_vote", "Per vote", "count"],
  ["avg_avg_estimation", "Mean estimation", "count"],
  ["duration", "Time per vote", "seconds"],
];

export const rooms = {
  id: "rooms",
  title: "Rooms",
  unit: "teams that voted in this period",
  size: "full",
  empty: "No team voted in this period.",
  call: (view, { order = "votes:desc", offset = 0 }) =>
    callOf("rooms", { ...parametersOf(view), order_by: order, limit: PAGE, offset: offset || null }),
  isEmpty: ({ data }) => !data.length,
  chart: ({ data }) => bars({ names: data.map(({ name }) => label(name)), values: data.map(({ votes }) => votes), kind: "count" }),
  body: ({ data, meta, query }, panel) => [roomTable(data, query, panel), pager(meta.total_rows, panel)],
};

function roomTable(data, query, panel) {
  const name = { name: "Room", key: "name", cell: (row) => roomCell(row, panel.app) };
  const figures = COLUMNS.map(([key, name, kind]) => ({ name, key, kind, value: (row) => row[key] }));
  const lastUsed = { name: "Last used", key: "last_used_at", value: (row) => instant(row.last_used_at, query.timezone, { dateStyle: "medium" }) };
  const shown = table("Rooms", [name, ...figures, lastUsed], data, sorting(panel));
  return element("div", { class: "scrolled rooms", tabindex: "0", role: "region", "aria-label": "Rooms: table" }, shown);
}

function sorting(panel) {
  const [column, direction] = (panel.chosen.order ?? "votes:desc").split(":");
  const descending = direction === "desc";
  const by = async (key) => {
    const order = key === column ? `${key}:${descending ? "asc" : "desc"}` : `${key}:${key === "name" ? "asc" : "desc"}`;
    await panel.choose({ order, offset: 0 });
    panel.element.querySelector("[aria-sort$=ending] button")?.focus();
  };
  return { column, descending, by };
}

function roomCell({ id, name }, app) {
  const clause = ["is", "room_name", [name]];
  const address = addressOf({ ...app.view, room: String(id) });
  const filter = iconButton("filter", `Filter by room ${label(name)}`, {
    "data-filter": JSON.stringify(clause),
    click: () => app.change(toggled(app.view, clause)),
  });
  return element("span", { class: "room-name" }, element("a", { href: address, title: label(name) }, label(name)), filter);
}

function pager(total, panel) {
  const offset = panel.chosen.offset ?? 0;
  const last = Math.min(offset + PAGE, total);
  const turn = (text, to, isPossible) =>
    element("button", { type: "button", disabled: !isPossible, click: () => panel.choose({ offset: to }) }, text);
  return element(
    "div",
    { class: "pager" },
    element("span", {}, `${write.count(offset + 1)}–${write.count(last)} of ${write.count(total)}`),
    turn("Previous", offset - PAGE, offset > 0),
    turn("Next", offset + PAGE, last < total),
  );
}
