// Times as Slack's clients show them, in the reader's own zone.

const DAY = 86_400_000;
const form = (options) => new Intl.DateTimeFormat("en-US", options);
const CLOCK = form({ hour: "numeric", minute: "2-digit" });
const SECONDS = form({ hour: "numeric", minute: "2-digit", second: "2-digit" });
const SHORT = form({ month: "short", day: "numeric", year: "numeric" });
const LONG = form({ weekday: "long", month: "long", day: "numeric", year: "numeric" });
const FULL = form({ month: "long", day: "numeric", year: "numeric" });

export const moment = (ts) => new Date(Number(ts) * 1000);
export const clock = (date) => CLOCK.format(date);

function midnight(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

function daysAway(date) {
  return Math.round((midnight(date) - midnight(new Date())) / DAY);
}

const NEAR = new Map([
  [-1, "yesterday"],
  [0, "today"],
  [1, "tomorrow"],
]);

function ordinal(day) {
  const tens = day % 100;
  if (tens >= 11 && tens <= 13) return `${day}th`;
  return day + ({ 1: "st", 2: "nd", 3: "rd" }[day % 10] || "th");
}

/** "Today", "Yesterday", or "Monday, March 2nd". */
export function dayName(date) {
  const near = NEAR.get(daysAway(date));
  if (near) return near.charAt(0).toUpperCase() + near.slice(1);
  const weekday = form({ weekday: "long" }).format(date);
  const month = form({ month: "long" }).format(date);
  return `${weekday}, ${month} ${ordinal(date.getDate())}`;
}

export const wholeMoment = (date) => `${LONG.format(date)} at ${SECONDS.format(date)}`;

/** "just now", "5 minutes ago", "today at 9:12 AM". */
export function ago(date) {
  const minutes = Math.floor((Date.now() - date) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} minute${minutes === 1 ? "" : "s"} ago`;
  const hours = Math.floor(minutes / 60);
  if (hours < 12) return `${hours} hour${hours === 1 ? "" : "s"} ago`;
  return `${NEAR.get(daysAway(date)) || SHORT.format(date)} at ${clock(date)}`;
}

const TOKENS = {
  date_num: (date) => form({ year: "numeric", month: "2-digit", day: "2-digit" }).format(date),
  date_slash: (date) => form({ year: "numeric", month: "2-digit", day: "2-digit" }).format(date),
  date: (date) => FULL.format(date),
  date_short: (date) => SHORT.format(date),
  date_long: (date) => LONG.format(date),
  date_pretty: (date) => NEAR.get(daysAway(date)) || FULL.format(date),
  date_short_pretty: (date) => NEAR.get(daysAway(date)) || SHORT.format(date),
  date_long_pretty: (date) => NEAR.get(daysAway(date)) || LONG.format(date),
  time: clock,
  time_secs: (date) => SECONDS.format(date),
  ago,
};

/** `<!date^seconds^format|…>` (Slack docs, formatting dates). A format that begins with a near day gets a capital. */
export function formatted(seconds, format) {
  const date = moment(seconds);
  const text = format.replace(/\{(\w+)\}/g, (whole, name) => (TOKENS[name] ? TOKENS[name](date) : whole));
  return text.charAt(0).toUpperCase() + text.slice(1);
}
