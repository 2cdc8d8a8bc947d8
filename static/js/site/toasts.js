const SECONDS = 6;

/** Says something for a few seconds, beside an icon of the sprite. It stays while it is pointed at or holds the focus. */
export function toast(words, icon = "circle-check") {
  const element = document.getElementById("toast").content.firstElementChild.cloneNode(true);
  element.querySelector("p").textContent = words;
  const use = element.querySelector("use");
  use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${icon}`));
  document.querySelector("[data-toasts]").append(element);
  leaveLater(element);
}

export function mount(root) {
  root.addEventListener("click", (event) => event.target.closest("[data-toast-close]")?.closest(".toast").remove());
  for (const element of root.querySelectorAll("[data-toasts] > .toast")) leaveLater(element);
}

function leaveLater(element) {
  let timer;
  const wait = () => { timer = setTimeout(() => element.remove(), SECONDS * 1000); };
  const stay = () => clearTimeout(timer);
  for (const [event, then] of [["pointerenter", stay], ["focusin", stay], ["pointerleave", wait], ["focusout", wait]]) {
    element.addEventListener(event, () => { stay(); then(); });
  }
  wait();
}
