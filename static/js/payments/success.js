// A payment on its way: ask every two seconds for a minute, and show the page afresh once it is decided.
const EVERY = 2_000;
const TIMES = 30;

/** How the payment went, as soon as that is known; "waiting" if it never was. An answer that is lost decides nothing. */
export async function decided({ ask, pause, times = TIMES }) {
  for (let asked = 0; asked < times; asked += 1) {
    await pause();
    const state = await ask().catch(() => "waiting");
    if (state !== "waiting") return state;
  }
  return "waiting";
}

async function ask() {
  const answer = await fetch(location.href, { headers: { Accept: "application/json" } });
  if (!answer.ok) return "waiting";
  return (await answer.json()).state;
}

async function mount(place) {
  const state = await decided({ ask, pause: () => new Promise((resolve) => setTimeout(resolve, EVERY)) });
  if (state !== "waiting") return location.reload();
  place.querySelector(".spinner").remove();
  place.querySelector("[data-words]").textContent = document.getElementById("longer").content.textContent;
}

const place = globalThis.document?.querySelector("[data-waiting]");
if (place) mount(place);
