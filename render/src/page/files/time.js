// Times as Graphite writes them, and as people read them.

/** Windows for one click, as `from` and words. */
export const QUICK = [
  ["-5min", "5 minutes"], ["-15min", "15 minutes"], ["-30min", "30 minutes"], ["-1h", "1 hour"], ["-3h", "3 hours"], ["-6h", "6 hours"],
  ["-12h", "12 hours"], ["-1d", "24 hours"], ["-2d", "2 days"], ["-7d", "7 days"], ["-30d", "30 days"],
  ["-90d", "90 days"], ["-1y", "1 year"],
];

const SECONDS = { s: 1, min: 60, h: 3600, d: 86400, w: 604800, mon: 2592000, y: 31536000 };

/** Whether `text` is another instant later on: all of the grammar but dates and seconds. */
export const moves = (text) => !/^(\d{9,}|(\d\d:\d\d_)?\d{8})$/.test((text || "now").trim());

/** The zone of this browser; the first object of `Intl` takes long to make. */
export const here = globalThis.Temporal?.Now.timeZoneId() || Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

/** The zone if it is one, else this browser's. */
export const zoned = (name) => (name && name !== here && known(name)) || here;

/** The zone of this name, or null. */
export function known(name) {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return null;
  }
}

/** Seconds since 1970 that `text` means, for the forms this page writes itself; null for others of the grammar. */
export function instant(text, now, zone) {
  const plain = text.trim().toLowerCase();
  if (plain === "now" || plain === "") return now;
  if (/^\d{9,}$/.test(plain)) return Number(plain);
  const ago = plain.match(/^(?:now)?-(\d+)([a-z]+)$/);
  if (ago) {
    const unit = ["mon", "min", "s", "h", "d", "w", "y"].find((unit) => ago[2].startsWith(unit));
    return unit ? now - Number(ago[1]) * SECONDS[unit] : null;
  }
  const absolute = plain.match(/^(\d\d):(\d\d)_(\d{4})(\d\d)(\d\d)$/);
  if (!absolute) return null;
  const [hour, minute, year, month, day] = absolute.slice(1).map(Number);
  return civil(Date.UTC(year, month - 1, day, hour, minute) / 1000, zone);
}

/** The instant at which clocks in `zone` show what UTC shows at `wanted`. */
function civil(wanted, zone) {
  const first = wanted - offset(wanted, zone);
  return wanted - offset(first, zone);
}

function offset(instant, zone) {
  const { year, month, day, hour, minute, second } = parts(instant, zone);
  return Date.UTC(year, month - 1, day, hour, minute, second) / 1000 - Math.floor(instant);
}

const formats = new Map();

function formatter(zone, options) {
  const key = zone + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", ...options }));
  return formats.get(key);
}

function parts(instant, zone) {
  const options = { year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" };
  const found = formatter(zone, options).formatToParts(instant * 1000).map(({ type, value }) => [type, Number(value)]);
  return Object.fromEntries(found);
}

const two = (number) => String(number).padStart(2, "0");

/** `2026-11-21T10:30`, as inputs for local times hold it. */
export function local(instant, zone) {
  const { year, month, day, hour, minute } = parts(instant, zone);
  return `${year}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}`;
}

/** `10:30_20261121`, as the grammar takes it. */
export function grammar(local) {
  const [day, clock] = local.split("T");
  return `${clock.slice(0, 5)}_${day.replaceAll("-", "")}`;
}

/** `Sat 21 Nov 2026, 10:30:05`. */
export function full(instant, zone) {
  const options = { weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" };
  return formatter(zone, options).format(instant * 1000);
}

/** `21 Nov, 10:30`. */
export function short(instant, zone) {
  return formatter(zone, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }).format(instant * 1000);
}

/** The window in words. */
export function words(from, until, zone) {
  if (until === "now" || until === "") {
    const quick = QUICK.find(([text]) => text === from);
    if (quick) return `Last ${quick[1]}`;
    const ago = from.match(/^(?:now)?-(\d+)([a-z]+)$/);
    if (ago) return `Last ${ago[1]} ${ago[2]}`;
  }
  const side = (text) => {
    const at = /^[-n]/.test(text) ? null : instant(text, 0, zone);
    return at === null ? text : short(at, zone);
  };
  return `${side(from)} – ${side(until || "now")}`;
}

/** How long ago, in words of about two characters. */
export function ago(seconds) {
  const past = Math.max(0, Math.round(seconds));
  if (past < 120) return `${past} s`;
  if (past < 7200) return `${Math.round(past / 60)} min`;
  if (past < 172800) return `${Math.round(past / 3600)} h`;
  return `${Math.round(past / 86400)} d`;
}

/** Every zone that this browser knows. */
export const zones = () => ["UTC", ...(Intl.supportedValuesOf ? Intl.supportedValuesOf("timeZone") : [])];
