/* Puts the chat together: one state, told by the socket, by answers and by the person; behaviours that mount on it. */
import "../site/older.js";
import { Connection, bars } from "./connection.js";
import { mount as mountHug } from "./hug.js";
import { Log } from "./log.js";
import { mount as mountQuota } from "./quota.js";
import { mount as mountReading } from "./reading.js";
import { mount as mountSending } from "./sending.js";
import { drawn } from "./rows.js";
import { begin } from "./state.js";
import { bring } from "./sprite.js";
import { Store } from "./store.js";
import { mount as mountThreads } from "./threads.js";
import { mount as mountTools } from "./tools.js";
import { onNewDay } from "./times.js";
import { speaker } from "./voice.js";
import { toast } from "../site/toasts.js";

const root = document.querySelector("[data-chat]");
const talk = root.querySelector("[data-talk]");
const start = JSON.parse(document.getElementById("chat-state").textContent);
const id = start.conversation?.id;
const rows = talk && drawn(talk.querySelector("[data-messages]"));
const messages = start.messages?.map((message, i) => ({ ...message, ...rows[i] }));
const store = new Store(begin({ ...start, messages, has_more: root.dataset.more === "true" }));
const say = talk && speaker(talk.querySelector("[data-voice]"));
/* To the list; the focus to the row of a thread, if one is named. */
let left = false;
const leave = (thread) => {
  if (!left) location.replace(thread ? `/chat/#thread-${thread}` : "/chat/");
  left = true;
};
const net = new Connection({ store, id, stamp: start.stamp, next: start.next, leave, show: bars(talk, say) });

mountThreads({ store, net, root, id });
if (talk) mountTalk();
store.draw();
document.documentElement.dataset.alive = "";
addEventListener("load", () => setTimeout(bring, 500));

function mountTalk() {
  const words = talk.dataset;
  const sorry = () => toast(words.sorry, "circle-alert");
  const log = new Log(talk, {
    words,
    say,
    unreadFrom: start.unread_from,
    seen: () => reading.seen(),
    async older(before) {
      const answer = await net.ask(`messages/?before=${before}`);
      return answer?.ok && (() => store.tell({ type: "older", before, ...answer.body }));
    },
  });
  mountHug(talk.querySelector("[data-messages]"));
  const reading = mountReading({ store, net, log });
  store.draws((state) => log.draw(state));
  onNewDay(() => log.draw(store.state, true));
  mountQuota({ store, root, talk, low: start.quota_low, words, say, toast });
  const { composer, deeds } = mountSending({ store, net, talk, start, words, say, focus: (key) => log.focus(key), toast });
  const panel = (deed) => (button) => import("./panel.js").then(({ mount }) => mount({ root, store, net, id, leave, sorry })[deed](button));
  Object.assign(deeds, mountTools({ talk, words, toast }), { panel: panel("panel"), forget: panel("forget") });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]");
    if (button) deeds[button.dataset.do](button);
  });
  if (root.querySelector("[data-photos]")) import("./photos.js").then(({ mount }) => mount({ store }));
  if (matchMedia("(pointer: coarse)").matches) import("./keyboard.js").then(({ mount }) => mount());
  const at = Number(new URLSearchParams(location.search).get("at")); // a message that was found
  history.replaceState(null, "", location.pathname); // a starter in the address is said by now
  if (at) return store.draw(), log.show(at);
  const desk = matchMedia("(pointer: fine) and (width >= 640px)").matches;
  (desk ? composer.input : talk.querySelector("h1")).focus({ preventScroll: true });
}
