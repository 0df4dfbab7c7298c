// Gains and losses per bucket: bars upwards and downwards, and the same figures as a table.

import { bucketColumn, bucketsOf, isQuiet, seriesOf } from "./buckets.js";
import { stacked } from "./charts.js";
import { figureColumns, table } from "./tables.js";

/** What a panel shows of `figures` (key, name and the number of the colour), of which `loss` points downwards. */
export const gains = (title, figures, loss) => ({
  isEmpty: ({ data }) => isQuiet(data, figures.map(([key]) => key)),
  chart: (answer) =>
    stacked({
      buckets: bucketsOf(answer),
      kind: "count",
      series: figures.map(([key, name, colour]) => ({ ...seriesOf(answer, name, key), colour, negative: key === loss })),
    }),
  table: (answer) => {
    const columns = figures.flatMap(([key, name]) => figureColumns(name, key, "count", answer.data));
    return table(title, [bucketColumn(answer), ...columns], answer.data);
  },
});
