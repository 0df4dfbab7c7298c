// Makes ../page/vendor from packages of npm: `npm ci && npm run build`.
// charts.js: the parts of Apache ECharts that the dashboard uses, minified.
// world.json: the outlines of countries (Natural Earth, public domain), simplified, each named by its code (ISO 3166-1).
import { createHash } from "node:crypto";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { build } from "esbuild";
import countries from "i18n-iso-countries";
import { feature } from "topojson-client";
import { presimplify, quantile, simplify } from "topojson-simplify";

const require = createRequire(import.meta.url);
const KEPT_POINTS = 0.55;
// World Atlas has no number for these.
const UNNUMBERED = { Kosovo: "XK", "N. Cyprus": "CY", Somaliland: "SO" };
const LEFT_OUT = ["AQ"];

await build({
  entryPoints: ["charts.entry.js"],
  outfile: "../page/vendor/charts.js",
  bundle: true,
  format: "esm",
  minify: true,
  target: "es2022",
  legalComments: "none",
  banner: { js: "// Apache ECharts 6.1.0, see LICENSE-echarts.txt and NOTICE-echarts.txt" },
});
copyFileSync("node_modules/echarts/LICENSE", "../page/vendor/LICENSE-echarts.txt");
copyFileSync("node_modules/echarts/NOTICE", "../page/vendor/NOTICE-echarts.txt");
copyFileSync("node_modules/world-atlas/LICENSE", "../page/vendor/LICENSE-world-atlas.txt");

const atlas = presimplify(JSON.parse(readFileSync(require.resolve("world-atlas/countries-110m.json"), "utf8")));
const coarse = simplify(atlas, quantile(atlas, 1 - KEPT_POINTS));
// The atlas is a sphere's: a ring that crosses the 180th meridian goes on beyond it.
const unrolled = (points) => {
  const degrees = points.map(([longitude]) => longitude);
  if (Math.max(...degrees) - Math.min(...degrees) < 180) return points;
  return points.map(([longitude, latitude]) => [longitude < 0 ? longitude + 360 : longitude, latitude]);
};
const rounded = (position) => position.map((degrees) => Math.round(degrees * 10) / 10);
const ring = (points) => unrolled(points).map(rounded).filter((point, i, all) => i === 0 || String(point) !== String(all[i - 1]));
const polygon = (rings) => rings.map(ring).filter((points) => points.length > 3);
const features = feature(coarse, coarse.objects.countries).features.map(({ id, properties, geometry }) => {
  const polygons = (geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates)
    .map(polygon)
    .filter((rings) => rings.length);
  const name = countries.numericToAlpha2(id ?? "") ?? UNNUMBERED[properties.name];
  return { type: "Feature", properties: { name }, geometry: { type: "MultiPolygon", coordinates: polygons } };
});
const shown = features.filter(({ properties }) => properties.name && !LEFT_OUT.includes(properties.name));
writeFileSync("../page/vendor/world.json", `${JSON.stringify({ type: "FeatureCollection", features: shown })}\n`);

const made = ["charts.js", "world.json"].map((name) => {
  const sum = createHash("sha256").update(readFileSync(`../page/vendor/${name}`)).digest("hex");
  return `${sum}  ${name}\n`;
});
writeFileSync("../page/vendor/SHA256SUMS", made.join(""));
