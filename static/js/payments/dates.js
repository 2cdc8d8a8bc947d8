// The server writes days as they are in UTC. Where it is another day for the viewer, that is the one to read.
export function mount(root) {
  for (const time of root.querySelectorAll("time[data-day]")) {
    const when = new Date(time.dateTime);
    if (when.getDate() === when.getUTCDate()) continue;
    const month = /\p{L}{4,}/u.test(time.textContent) ? "long" : "short";
    time.textContent = when.toLocaleDateString("en-GB", { day: "numeric", month, year: "numeric" });
  }
}

mount(document);
