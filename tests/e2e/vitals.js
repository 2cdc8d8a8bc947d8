// What a page did to its reader's eyes: when the largest part was painted, and how much moved about. `late`: what waits to
// be put in order by a script was shown as it was, for the script had not come in three seconds.
window.vitals = { lcp: 0, cls: 0, late: false };
addEventListener("animationstart", ({ animationName }) => (window.vitals.late ||= animationName === "appear"));
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.vitals.lcp = entry.startTime;
}).observe({ type: "largest-contentful-paint", buffered: true });
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.vitals.cls += entry.value;
}).observe({ type: "layout-shift", buffered: true });
