// Numbers, dates and names in the reader's locale.

export const DASH = "–";
const locales = [...navigator.languages];
const MINUTE_S = 60;

const numbers = new Intl.NumberFormat(locales, { maximumFractionDigits: 2 });
const compact = new Intl.NumberFormat(locales, { notation: "compact", maximumFractionDigits: 1 });
const percents = new Intl.NumberFormat(locales, { style: "percent", maximumFractionDigits: 1 });
const changes = new Intl.NumberFormat(locales, { style: "percent", maximumFractionDigits: 1, signDisplay: "exceptZero" });
const seconds = unit("second", 0);
const minutes = unit("minute", 1);
const cents = new Intl.NumberFormat(locales, { style: "currency", currency: "USD" });
const regions = new Intl.DisplayNames(locales, { type: "region" });
const ago = new Intl.RelativeTimeFormat(locales, { numeric: "auto" });

function unit(name, maximumFractionDigits) {
  return new Intl.NumberFormat(locales, { style: "unit", unit: name, unitDisplay: "short", maximumFractionDigits });
}

const orDash = (write) => (value) => (value == null ? DASH : write(value));

/** Writes a figure by its kind; null is a dash. */
export const write = {
  count: orDash((value) => numbers.format(value)),
  share: orDash((value) => percents.format(value)),
  seconds: orDash((value) => (value < MINUTE_S ? seconds.format(value) : minutes.format(value / MINUTE_S))),
  minutes: orDash((value) => minutes.format(value)),
  milliseconds: orDash((value) => `${numbers.format(value)} ms`),
  cents: orDash((value) => cents.format(value / 100)),
  change: orDash((value) => changes.format(value / 100)),
  text: orDash(String),
};

/** A number for an axis, as short as can be. */
export const short = {
  ...write,
  count: (value) => compact.format(value),
};

/** What the API calls `unknown`, and names of countries instead of their codes. */
export function countryName(code) {
  if (!/^[A-Z]{2}$/.test(code)) return label(code);
  try {
    return regions.of(code) ?? code;
  } catch {
    return code;
  }
}

export function label(text) {
  return text === "unknown" || text == null || text === "" ? "Unknown" : String(text);
}

/** A sentence of the API: what it marks as code is quoted. */
export function plainly(text) {
  return text.replaceAll(/`([^`]*)`/g, "“$1”");
}

/** `ENTERED_NEW_ROOM` as words. */
export function words(text) {
  if (!/^[A-Z][A-Z_]+$/.test(text)) return label(text);
  return text[0] + text.slice(1).toLowerCase().replaceAll("_", " ");
}

const DAY = { day: "numeric", month: "short" };
const BUCKETS = {
  minute: { hour: "2-digit", minute: "2-digit" },
  hour: { ...DAY, hour: "2-digit", minute: "2-digit" },
  day: { weekday: "short", ...DAY },
  week: { ...DAY },
  month: { month: "short", year: "numeric" },
  quarter: { month: "short", year: "numeric" },
  year: { year: "numeric" },
};

/** The local time a bucket begins at; its offset is already in the text, so it is read as if it were UTC. */
export function bucketName(start, granularity, { withYear = false } = {}) {
  const local = new Date(`${start.slice(0, 19)}Z`);
  const options = BUCKETS[granularity] ?? BUCKETS.day;
  const year = withYear ? { year: "numeric" } : {};
  return new Intl.DateTimeFormat(locales, { ...options, ...year, timeZone: "UTC" }).format(local);
}

/** An instant in a time zone. */
export function instant(text, timeZone, options = { dateStyle: "medium", timeStyle: "short" }) {
  return text == null ? DASH : new Intl.DateTimeFormat(locales, { ...options, timeZone }).format(new Date(text));
}

/** The days of a period. */
export function span(first, last, timeZone) {
  const format = new Intl.DateTimeFormat(locales, { ...DAY, year: "numeric", timeZone });
  return format.formatRange(new Date(first), new Date(last));
}

/** How long ago something was, in words. */
export function elapsed(ageSeconds) {
  const steps = [
    [86_400, "day"],
    [3_600, "hour"],
    [60, "minute"],
  ];
  const [length, name] = steps.find(([length]) => ageSeconds >= length) ?? [1, "second"];
  return ago.format(-Math.floor(ageSeconds / length), name);
}

/** The weekdays, Monday first. */
export function weekdays(width = "short") {
  const format = new Intl.DateTimeFormat(locales, { weekday: width, timeZone: "UTC" });
  // 2024-01-01 was a Monday.
  return Array.from({ length: 7 }, (_, day) => format.format(new Date(Date.UTC(2024, 0, 1 + day))));
}

/** The hours of a day, as a clock shows them. */
export function hours() {
  const format = new Intl.DateTimeFormat(locales, { hour: "numeric", timeZone: "UTC" });
  return Array.from({ length: 24 }, (_, hour) => format.format(new Date(Date.UTC(2024, 0, 1, hour))));
}
