// Charts: Apache ECharts, loaded when the first chart is drawn. It draws SVG and plain-text tooltips, so that it needs
// neither inline styles nor markup in strings, which the page's policy forbids.

import { short, write } from "./format.js";

// To take a chart away, ECharts empties its element with markup: none is all that it may write.
globalThis.trustedTypes?.createPolicy("default", { createHTML: (markup) => (markup === "" ? markup : null) });

// How many colours `style.css` has for series.
export const SERIES = 10;

let library;
let world;
const drawn = new Set();

function loaded() {
  library ??= import("./vendor/charts.js");
  return library;
}

/** Make the outlines of countries known as the map "world". */
export async function loadWorld() {
  world ??= Promise.all([loaded(), fetch(new URL("./vendor/world.json", import.meta.url))]).then(async ([charts, answer]) =>
    charts.registerMap("world", { geoJSON: await answer.json() }),
  );
  return world;
}

/** The colours of the page as it is now. */
export function colours() {
  const probe = document.body.appendChild(document.createElement("span"));
  const colour = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const found = {
    text: colour("text"),
    muted: colour("muted"),
    line: colour("line"),
    panel: colour("panel"),
    other: colour("other"),
    heat: [colour("heat-least"), colour("heat-most")],
    onHeat: [colour("text"), colour("on-heat-most")],
    series: Array.from({ length: SERIES }, (_, i) => i + 1).map((number) => colour(`series-${number}`)),
  };
  probe.remove();
  return found;
}

/** A chart in `container`, which follows its size and the theme. `makeOption(colours, width)` gives ECharts' option. */
export class Chart {
  #chart = null;
  #makeOption = null;
  #click;

  constructor(container, click = null) {
    this.container = container;
    this.#click = click;
    this.observer = new ResizeObserver(() => this.#resize());
    drawn.add(this);
  }

  async draw(makeOption) {
    this.#makeOption = makeOption;
    const { init } = await loaded();
    if (!this.container.isConnected || this.#makeOption !== makeOption) return;
    if (!this.#chart) this.#begin(init);
    this.redraw();
  }

  #begin(init) {
    this.#chart = init(this.container, null, { renderer: "svg" });
    if (this.#click) this.#chart.on("click", this.#click);
    this.observer.observe(this.container);
  }

  redraw() {
    if (!this.#chart) return;
    const option = this.#makeOption(colours(), this.container.clientWidth);
    this.#chart.setOption({ animation: false, ...option }, { notMerge: true });
  }

  #resize() {
    this.#chart.resize();
    this.redraw();
  }

  dispose() {
    drawn.delete(this);
    this.observer.disconnect();
    this.#chart?.dispose();
  }
}

/** Draw all charts again, in the colours of another theme. */
export function redrawAll() {
  for (const chart of drawn) chart.redraw();
}

/** A picture of a chart at twice its size, with its title. */
export async function png(makeOption, title, width = 960, height = 480) {
  const { init } = await loaded();
  const paint = colours();
  const chart = init(null, null, { renderer: "svg", ssr: true, width, height });
  chart.setOption({ animation: false, ...makeOption(paint, width) });
  const picture = await image(`data:image/svg+xml;charset=utf-8,${encodeURIComponent(chart.renderToSVGString())}`);
  chart.dispose();
  return framed(picture, title, paint, width, height);
}

function image(address) {
  return new Promise((resolve, reject) => {
    const picture = new Image();
    picture.addEventListener("load", () => resolve(picture));
    picture.addEventListener("error", () => reject(new Error("The picture can't be drawn.")));
    picture.src = address;
  });
}

function framed(picture, title, paint, width, height) {
  const [margin, head, scale] = [24, 56, 2];
  const canvas = document.createElement("canvas");
  canvas.width = (width + 2 * margin) * scale;
  canvas.height = (height + head + margin) * scale;
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  pen.fillStyle = paint.panel;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.fillStyle = paint.text;
  pen.font = "600 18px system-ui, sans-serif";
  pen.fillText(title, margin, 36);
  pen.drawImage(picture, margin, head, width, height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

const FONT = "system-ui, sans-serif";
const GRID = { left: 2, right: 12, top: 12, bottom: 2, outerBoundsMode: "same", outerBoundsContain: "axisLabel" };
const LEGEND = { top: 24, line: 20, letter: 7, mark: 36 };

/** Where the chart begins below a legend, which takes as many lines as it needs. */
function below(legend, width) {
  const length = legend.reduce((sum, name) => sum + name.length * LEGEND.letter + LEGEND.mark, 0);
  return LEGEND.top + LEGEND.line * Math.ceil(length / width) - 6;
}

function base(paint, width, legend) {
  return {
    textStyle: { fontFamily: FONT, color: paint.muted },
    grid: legend ? { ...GRID, top: below(legend, width) } : GRID,
    legend: legend && {
      data: legend,
      top: 0,
      left: 0,
      icon: "roundRect",
      itemWidth: 12,
      itemHeight: 4,
      itemGap: 16,
      textStyle: { color: paint.muted, fontSize: 12 },
      inactiveColor: paint.line,
    },
  };
}

function tooltip(paint, trigger, formatter) {
  return {
    trigger,
    renderMode: "richText",
    confine: true,
    backgroundColor: paint.panel,
    borderColor: paint.line,
    borderWidth: 1,
    padding: [8, 12],
    textStyle: { color: paint.text, fontSize: 12, lineHeight: 18, fontFamily: FONT },
    axisPointer: { type: "line", lineStyle: { color: paint.other, type: "dotted" } },
    formatter,
  };
}

function nameAxis(paint, names, further = {}) {
  return {
    type: "category",
    data: names,
    axisLine: { lineStyle: { color: paint.line } },
    axisTick: { show: false },
    axisLabel: { color: paint.muted, fontSize: 11, hideOverlap: true },
    ...further,
  };
}

function numberAxis(paint, kind, further = {}) {
  return {
    type: "value",
    min: 0,
    splitNumber: 4,
    minInterval: kind === "count" ? 1 : 0,
    axisLabel: { color: paint.muted, fontSize: 11, formatter: short[kind] },
    splitLine: { lineStyle: { color: paint.line } },
    ...further,
  };
}

/** Values of which the open ones, and those beside them, are left out, or alone are left. */
function closed(values, open) {
  return values.map((value, i) => (open[i] ? null : value));
}

function opened(values, open) {
  return values.map((value, i) => (open[i] || open[i - 1] || open[i + 1] ? value : null));
}

/**
 * Lines over time; what is still open is dashed, and another period is a grey line behind.
 *
 * @param chart `buckets` ({name, title, open, other}), `series` ({name, values, others}) and `kind` of the values.
 */
export function lines({ buckets, series, kind }) {
  const open = buckets.map((bucket) => bucket.open);
  return (paint, width) => ({
    ...base(paint, width, series.length > 1 ? series.map(({ name }) => name) : null),
    xAxis: nameAxis(paint, buckets.map(({ name }) => name), { boundaryGap: buckets.length === 1 }),
    yAxis: numberAxis(paint, kind),
    tooltip: tooltip(paint, "axis", ([{ dataIndex }]) => lineTip(buckets[dataIndex], series, dataIndex, kind)),
    series: series.flatMap((one, i) => lineParts(one, open, paint, paint.series[i], series.length === 1)),
  });
}

function lineParts({ name, values, others }, open, paint, color, alone) {
  const line = { name, type: "line", symbol: "circle", symbolSize: 5, showSymbol: values.length < 3, color };
  const behind = others && {
    ...line,
    data: others,
    color: alone ? paint.other : color,
    lineStyle: { width: 1.5, opacity: alone ? 1 : 0.35 },
    showSymbol: false,
    silent: true,
    z: 1,
  };
  const area = alone ? { areaStyle: { opacity: 0.1 } } : {};
  return [
    ...(behind ? [behind] : []),
    { ...line, data: closed(values, open), lineStyle: { width: 2.25 }, ...area },
    { ...line, data: opened(values, open), lineStyle: { width: 2.25, type: [4, 4] }, showSymbol: values.length < 3 },
  ];
}

function lineTip(bucket, series, i, kind) {
  const told = series.map(({ name, values, others }) => {
    const other = others ? ` (${write[kind](others[i])} before)` : "";
    return `${name}  ${write[kind](values[i])}${other}`;
  });
  const other = bucket.other ? [`Compared with ${bucket.other}`] : [];
  return [bucket.title + (bucket.open ? " (so far)" : ""), ...told, ...other].join("\n");
}

/** Bars over time, one on top of the other; those of a series that is `negative` hang below zero. */
export function stacked({ buckets, series, kind }) {
  return (paint, width) => ({
    ...base(paint, width, series.map(({ name }) => name)),
    xAxis: nameAxis(paint, buckets.map(({ name }) => name)),
    yAxis: numberAxis(paint, kind, { min: null, axisLabel: axisOfBoth(paint, kind) }),
    tooltip: tooltip(paint, "axis", ([{ dataIndex }]) => lineTip(buckets[dataIndex], series, dataIndex, kind)),
    series: series.map(({ name, values, negative, colour }, i) => ({
      name,
      type: "bar",
      stack: "all",
      barMaxWidth: 28,
      color: paint.series[colour ?? i],
      data: values.map((value, at) => ({
        value: negative && value != null ? -value : value,
        itemStyle: { opacity: buckets[at].open ? 0.55 : 1 },
      })),
    })),
  });
}

const axisOfBoth = (paint, kind) => ({
  color: paint.muted,
  fontSize: 11,
  formatter: (value) => short[kind](Math.abs(value)),
});

/** Upright bars, one per name. */
export function columns({ names, values, kind, unit }) {
  return (paint) => ({
    ...base(paint),
    xAxis: nameAxis(paint, names),
    yAxis: numberAxis(paint, kind),
    tooltip: tooltip(paint, "axis", ([{ dataIndex }]) => `${names[dataIndex]}\n${write[kind](values[dataIndex])} ${unit}`),
    series: [{ type: "bar", data: values, color: paint.series[0], barMaxWidth: 36, itemStyle: { borderRadius: [3, 3, 0, 0] } }],
  });
}

/** Lying bars with their values, the first one on top. */
export function bars({ names, values, kind }) {
  return (paint) => ({
    ...base(paint),
    grid: { ...GRID, right: 64 },
    xAxis: { type: "value", show: false },
    yAxis: nameAxis(paint, names, { inverse: true, axisLabel: { color: paint.text, fontSize: 13, width: 260, overflow: "truncate" } }),
    series: [
      {
        type: "bar",
        data: values,
        color: paint.series[0],
        barMaxWidth: 22,
        label: { show: true, position: "right", color: paint.text, formatter: ({ value }) => write[kind](value) },
      },
    ],
  });
}

const NARROWEST_LABELLED = 30;

/**
 * A heat map.
 *
 * @param chart Names of `across` and `down`, `cells` ([x, y, value], value null for none), `most`, the value of the
 *   strongest colour, `kind` of the values, whether they are `labelled`, and `tip(x, y, value)`.
 */
export function heat({ across, down, cells, most, kind, labelled, tip }) {
  return (paint, width) => ({
    ...base(paint),
    grid: { ...GRID, top: 4, right: 4 },
    xAxis: nameAxis(paint, across, { splitArea: { show: false }, axisLine: { show: false } }),
    yAxis: nameAxis(paint, down, { inverse: true, axisLine: { show: false } }),
    visualMap: { show: false, min: 0, max: most || 1, inRange: { color: paint.heat } },
    tooltip: tooltip(paint, "item", ({ value: [x, y, value] }) => tip(x, y, value)),
    series: [
      {
        type: "heatmap",
        data: cells.filter(([, , value]) => value != null).map((value) => heatCell(value, most, paint)),
        itemStyle: { borderColor: paint.panel, borderWidth: 2, borderRadius: 4 },
        label: {
          show: labelled && (width - 80) / across.length > NARROWEST_LABELLED,
          fontSize: 11,
          formatter: ({ value }) => short[kind](value[2]),
        },
        emphasis: { itemStyle: { borderColor: paint.text, borderWidth: 1 } },
      },
    ],
  });
}

function heatCell(value, most, paint) {
  return { value, label: { color: paint.onHeat[value[2] > most * 0.5 ? 1 : 0] } };
}

/** A map of the world; `values` are {name: country code, value, title}. */
export function map({ values, most }) {
  const titles = new Map(values.map(({ name, title }) => [name, title]));
  return (paint, width) => ({
    ...base(paint),
    visualMap: { show: false, min: 0, max: most || 1, inRange: { color: paint.heat } },
    tooltip: tooltip(paint, "item", ({ name }) => titles.get(name) ?? ""),
    series: [
      {
        type: "map",
        map: "world",
        data: values.map(({ name, value }) => ({ name, value })),
        itemStyle: { areaColor: paint.line, borderColor: paint.panel, borderWidth: 0.5 },
        emphasis: { label: { show: false }, itemStyle: { areaColor: paint.series[1] } },
        select: { disabled: true },
        layoutCenter: ["50%", "50%"],
        layoutSize: width,
      },
    ],
  });
}
