/**
 * <time datetime data-time="clock|day|date"> in the reader's zone and language. The server's own words stay for those
 * without JavaScript. `showTime` is for elements that are made later.
 */
const FORMATS = {
  clock: { hour: "2-digit", minute: "2-digit" },
  day: { weekday: "long", day: "numeric", month: "long" },
  date: { day: "numeric", month: "long", year: "numeric" },
};

export function showTime(element) {
  const when = new Date(element.dateTime);
  if (!Number.isNaN(when.valueOf())) {
    const words = new Intl.DateTimeFormat(undefined, FORMATS[element.dataset.time] ?? FORMATS.date);
    element.textContent = words.format(when);
  }
}

export function mount(root) {
  for (const element of root.querySelectorAll("time[data-time]")) showTime(element);
}
