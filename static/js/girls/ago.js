/* How long ago something was posted, in words; without this the page says the day. */
const UNITS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** [how many, of which unit] a number of seconds is, in the largest unit of which it is at least one. */
export function inUnits(seconds) {
  const [unit, size] = UNITS.find(([, size]) => seconds >= size) ?? ["second", 1];
  return unit === "second" ? [0, "second"] : [Math.floor(seconds / size), unit];
}

/** "2 days ago", "now"; empty in a browser without the words. */
export function ago(when, now = new Date()) {
  const [count, unit] = inUnits((now - when) / 1000);
  try {
    return new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: unit === "second" ? "auto" : "always" }).format(-count, unit);
  } catch {
    return "";
  }
}

export function mount(root) {
  const say = () => {
    for (const time of root.querySelectorAll("time[data-ago]")) {
      time.title ||= time.textContent;
      time.textContent = ago(new Date(time.dateTime)) || time.title;
    }
  };
  say();
  root.addEventListener("htmx:afterSwap", say);
  setInterval(say, 60_000);
}
