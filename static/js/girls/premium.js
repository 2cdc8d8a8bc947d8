import { Socket } from "../chat/socket.js";

const LONG = 24 * 3600_000; // a timer for later than that is not worth it: the page is looked at before

/**
 * Draws a gallery with premium items anew when premium begins or ends, in whatever tab it was bought. The tab hears of it
 * by its socket, which also says how it stands whenever the tab is looked at again; its end comes by the clock, too.
 */
export function mount(root) {
  let socket;
  let timer;
  let ends = Infinity;
  let until; // as the socket said last
  let drawing = false;
  const shown = () => root.querySelector("#more[data-premium]");

  const draw = async () => {
    if (drawing) return;
    drawing = true;
    const { upto } = root.querySelector("#more").dataset;
    await window.htmx.ajax("GET", `?upto=${upto}`, { source: root, target: root, swap: "innerHTML" }).catch(() => {});
    drawing = false;
  };
  const overdue = () => Date.now() >= ends && draw();
  const look = () => {
    clearTimeout(timer);
    const { premium, seconds } = shown()?.dataset ?? {};
    const left = Number(seconds) * 1000;
    ends = premium === "on" ? Date.now() + left : Infinity;
    if (premium === "on" && left < LONG) timer = setTimeout(overdue, left);
    if (!premium) return socket?.stop(); // nothing here opens or closes, or nobody is signed in any more
    socket ??= new Socket({
      url: `${location.protocol.replace("http", "ws")}//${location.host}/ws/`,
      watch: () => ({ account: true }),
      hear(frame) {
        if (frame.type !== "account") return;
        const is = frame.premium_active ? "on" : "off";
        const changed = until !== undefined && until !== frame.premium_until;
        until = frame.premium_until;
        if (shown() && (changed || is !== shown().dataset.premium)) draw();
      },
      turn: (to) => to === "refused" && draw(),
    });
  };
  root.addEventListener("htmx:afterSettle", look);
  document.addEventListener("visibilitychange", () => document.hidden || overdue());
  addEventListener("pageshow", ({ persisted }) => persisted && overdue());
  look();
}
