const PATIENCE = 10_000; // what fails again within this is broken

/** Starts a film again where it stopped: what its own address led to is good for some minutes, and it may be paused longer. */
export function mount(root) {
  root.addEventListener("error", ({ target }) => target.matches?.("video") && again(target), true); // it does not bubble
}

export function again(film, now = Date.now()) {
  if (now - (film.dataset.failed ?? -Infinity) < PATIENCE) return;
  film.dataset.failed = now;
  const { currentTime, paused } = film;
  film.load();
  film.currentTime = currentTime;
  if (!paused) film.play().catch(() => {});
}
