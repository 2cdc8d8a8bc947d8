/* Times in the viewer's zone and words. */
const DAY = 86_400_000;
const MINUTE = 60_000;
/* In a browser that does not know the words, or not its own language, days and times in numbers do. */
const format = (options) => {
  try {
    const words = new Intl.DateTimeFormat(undefined, options);
    return (when) => words.format(when);
  } catch {
    return (when) => (options.timeStyle ? when.toTimeString().slice(0, 5) : when.toISOString().slice(0, 10));
  }
};
const midnight = (when) => new Date(when.getFullYear(), when.getMonth(), when.getDate());
const daysAgo = (when, now) => Math.round((midnight(now) - midnight(when)) / DAY);
const nearby = (when, days) => {
  try {
    const words = new Intl.RelativeTimeFormat(document.documentElement.lang || "en", { numeric: "auto" }).format(-days, "day");
    return words[0].toLocaleUpperCase() + words.slice(1);
  } catch {
    return dateShort(when);
  }
};
const weekday = format({ weekday: "long" });
const weekdayShort = format({ weekday: "short" });
const date = format({ day: "numeric", month: "long" });
const dateYear = format({ day: "numeric", month: "long", year: "numeric" });
const dateShort = format({ day: "numeric", month: "short" });
const dateShortYear = format({ day: "numeric", month: "short", year: "numeric" });

/** 21:07, or 9:07 PM */
export const clock = format({ timeStyle: "short" });

/** Above the first message of a day: Today, Yesterday, Monday, 14 November. */
export function day(when, now) {
  const ago = daysAgo(when, now);
  if (ago < 2) return nearby(when, ago);
  if (ago < 7) return weekday(when);
  return (when.getFullYear() === now.getFullYear() ? date : dateYear)(when);
}

/** Have `act()` called when another day has begun: also after a sleep, or on a journey. */
export function onNewDay(act) {
  let today = new Date().toDateString();
  const look = () => {
    const now = new Date().toDateString();
    if (now !== today) act();
    today = now;
  };
  setInterval(look, MINUTE);
  document.addEventListener("visibilitychange", look);
}

/** In the thread list: 21:07, Yesterday, Tue, 14 Nov, 14 Nov 2025. */
export function brief(when) {
  const ago = daysAgo(when, new Date());
  if (ago < 1) return clock(when);
  if (ago < 2) return nearby(when, ago);
  if (ago < 7) return weekdayShort(when);
  return (when.getFullYear() === new Date().getFullYear() ? dateShort : dateShortYear)(when);
}
