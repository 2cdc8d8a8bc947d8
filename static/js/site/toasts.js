const SECONDS = 6;
const TO_DECIDE = 12; // when there is something to be undone

/** Says something for a few seconds, beside an icon of the sprite. It stays while it is pointed at or holds the focus. */
export function toast(words, icon = "circle-check") {
  const element = document.getElementById("toast").content.firstElementChild.cloneNode(true);
  element.querySelector("p").textContent = words;
  const use = element.querySelector("use");
  use.setAttribute("href", use.getAttribute("href").replace("circle-check", icon));
  const toasts = document.querySelector("[data-toasts]");
  for (const other of [...toasts.children]) if (other.dataset.said !== undefined) other.remove(); // one word at a time
  element.dataset.said = "";
  toasts.append(element);
  leaveLater(element);
}

export function mount(root) {
  root.addEventListener("click", (event) => event.target.closest("[data-toast-close]")?.closest(".toast").remove());
  for (const element of root.querySelectorAll("[data-toasts] > .toast")) {
    leaveLater(element);
    setTimeout(() => element.parentElement?.append(element)); // what was there from the beginning is not read out
  }
}

function leaveLater(element) {
  let timer;
  const seconds = element.querySelector("form") ? TO_DECIDE : SECONDS;
  const wait = () => { timer = setTimeout(() => element.remove(), seconds * 1000); };
  const stay = () => clearTimeout(timer);
  for (const [event, then] of [["pointerenter", stay], ["focusin", stay], ["pointerleave", wait], ["focusout", wait]]) {
    element.addEventListener(event, () => { stay(); then(); });
  }
  wait();
}
