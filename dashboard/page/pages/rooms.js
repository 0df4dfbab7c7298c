// The rooms as a table that can be sorted and paged; a name leads to the room's own page.

import { bars } from "../charts.js";
import { element, iconButton } from "../dom.js";
import { instant, label } from "../format.js";
import { pager, scrolled, sorting } from "../paging.js";
import { table } from "../tables.js";
import { addressOf, callOf, parametersOf, toggled } from "../view.js";

const PAGE = 10;
const BY_VOTES = "votes:desc";
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
  call: (view, { order = BY_VOTES, offset = 0 }) =>
    callOf("rooms", { ...parametersOf(view), order_by: order, limit: PAGE, offset: offset || null }),
  isEmpty: ({ data }) => !data.length,
  chart: ({ data }) => bars({ names: data.map(({ name }) => label(name)), values: data.map(({ votes }) => votes), kind: "count" }),
  body: ({ data, meta, query }, panel) => [roomTable(data, query, panel), pager(meta.total_rows, PAGE, panel)],
};

function roomTable(data, query, panel) {
  const name = { name: "Room", key: "name", cell: (row) => roomCell(row, panel.app) };
  const figures = COLUMNS.map(([key, name, kind]) => ({ name, key, kind, value: (row) => row[key] }));
  const lastUsed = { name: "Last used", key: "last_used_at", value: (row) => instant(row.last_used_at, query.timezone, { dateStyle: "medium" }) };
  return scrolled("Rooms", table("Rooms", [name, ...figures, lastUsed], data, sorting(panel, BY_VOTES, ["name"])), "rooms");
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
