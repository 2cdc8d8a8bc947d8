import { MEMBER, forget, keptHere } from "../site/device.js";
import { call, whose } from "./api.js";
import { Socket } from "./socket.js";
import { isBehind, isWaiting } from "./state.js";

const POLL = 5_000;
const POLLS_OF_LIST = 5; // so often the thread list is asked for, too
const SOON = 50; // what is missing is mostly on its way: the rest of the same parcel
const PATIENCE = 3_000; // for the answer to a watch, before asking over HTTP
const BLINK = 2_000; // a moment without connection is nobody's business
const OFFLINE = () => navigator.onLine === false; // what says that it is online may be wrong, or missing

/**
 * How this tab hears of the server: by its socket, and by questions where the socket is away or something was missed.
 * `is` one of "open", "polling", "down", "signed-out"; who subscribed hears when that changes. `id` is the conversation
 * that is shown, if one is; `leave()` is called when it is gone, `show(is)` when people should see how it stands.
 */
export class Connection {
  is = "open";
  #hear = [];
  #socketIs = "down";
  #soon;
  #asking;
  #showing;
  #polls = 0;
  #flows = false; // words have come since the last poll
  #paged = false;

  constructor({ store, id, stamp, next, leave, show }) {
    Object.assign(this, { store, id, stamp, next, leave, show });
    this.socket = new Socket({
      url: `${location.protocol.replace("http", "ws")}//${location.host}/ws/`,
      watch: () => ({ ...(id && { conversation: id, version: store.state.version }), threads: this.stamp }),
      hear: (frame) => {
        if (frame.type === "delta") this.#flows = true;
        if (frame.type === "threads") frame.stamp !== this.stamp && this.threads();
        else if (frame.type !== "error") store.tell(frame);
        else if (frame.code === "too_far_behind") this.refresh(true);
        else if (frame.code === "not_found") leave();
      },
      turn: (to) => this.#turned(to),
    });
    store.subscribe((state) => this.#check(state));
    document.addEventListener("visibilitychange", () => this.is === "signed-out" && !document.hidden && this.doubt());
    addEventListener("storage", ({ key }) => key === MEMBER && this.doubt());
    setInterval(() => {
      // The end of a reply that is overdue is told to whoever asks; with every worker gone, to nobody else.
      const silent = isWaiting(store.state) && !this.#flows;
      this.#flows = false;
      if (silent && !document.hidden) this.socket.ask();
      if (this.#socketIs === "open" || this.is === "signed-out" || document.hidden || OFFLINE()) return;
      this.refresh();
      if (id && this.#polls++ % POLLS_OF_LIST === 0) this.threads();
    }, POLL);
  }

  /** Have `hear(is, was)` called when the connection comes or goes. */
  subscribe(hear) {
    this.#hear.push(hear);
  }

  /** A question or, with a body, a deed; null when no answer came. */
  async ask(path, body) {
    try {
      const answer = await call(path, body);
      if (isDoubtful(answer)) await this.doubt();
      else if (this.#socketIs !== "open") this.turn("polling");
      return answer;
    } catch {
      if (this.#socketIs !== "open") this.turn("down");
      return null;
    }
  }

  /** Something says that nobody is signed in, or somebody else: ask, and believe that. Whether nobody is. */
  async doubt() {
    const found = await whose();
    if (found === "other") {
      forget("", [keptHere]);
      this.leave();
    } else if (found === "nobody") {
      this.#set("signed-out");
      this.socket.stop();
    } else if (found === "mine" && this.is === "signed-out") {
      this.#set(this.#socketIs === "open" ? "open" : "polling");
      this.socket.wake();
    }
    return this.is === "signed-out";
  }

  /** Ask over HTTP what is newer; with `afresh` for the newest messages as they are. */
  async refresh(afresh = false) {
    this.#asking = clearTimeout(this.#asking);
    const { id, store } = this;
    if (!id) return this.threads();
    const since = afresh ? undefined : store.state.version;
    const answer = await this.ask(afresh ? "state/" : `state/?after=${since}`);
    if (answer?.status === 404) return this.leave();
    if (!answer?.ok) return;
    if (answer.body.has_more && !afresh) return this.refresh(true);
    store.tell({ type: "state", since, ...answer.body });
  }

  /** Ask for the first page of the thread list, or for the one after its last row. */
  async threads(more) {
    const { store } = this;
    const before = more && this.next ? `?before=${encodeURIComponent(this.next)}` : "";
    const answer = await this.ask(`/chat/threads/${before}`);
    if (!answer?.ok) return;
    const { stamp, next } = answer.body;
    if (!more) this.stamp = stamp;
    if (more || !this.#paged) this.next = next; // a frame may have put a row of a later page on the screen
    this.#paged ||= more;
    store.tell({ type: "threads", first: !more, has_more: false, ...answer.body });
  }

  /** It is so now. Who is signed out stays so, until the server says whose session it is. */
  turn(to) {
    if (this.is !== "signed-out") this.#set(to);
  }

  #set(to) {
    const was = this.is;
    if (was === to) return;
    this.is = to;
    clearTimeout(this.#showing);
    this.#showing = setTimeout(() => this.show(to), to === "down" && !OFFLINE() ? BLINK : 0);
    for (const hear of this.#hear) hear(to, was);
  }

  #turned(to) {
    this.#socketIs = to;
    if (to === "refused") this.doubt();
    else if (to === "down" && !OFFLINE()) this.refresh();
    else if (to !== "asleep" && to !== "crowded") this.turn(to);
  }

  #check(state) {
    if (isBehind(state)) {
      this.#soon ??= setTimeout(() => this.socket.ask(), SOON);
      this.#asking ??= setTimeout(() => this.refresh(), PATIENCE); // the answer may be lost like anything else
    } else {
      this.#soon = clearTimeout(this.#soon);
      this.#asking = clearTimeout(this.#asking);
    }
  }
}

/** Whether an answer says that this page is not of who is signed in. */
export const isDoubtful = ({ code }) => code === "sign_in_required" || code === "page_out_of_date";

/** Shows on the page how the connection stands, and says it; a list without a conversation has no place for it. */
export const bars = (talk, say) => (is) => {
  if (!talk) return is === "signed-out" && location.reload();
  talk.classList.toggle("offline", is === "down");
  for (const bar of talk.querySelectorAll("[data-net]")) {
    bar.hidden = bar.dataset.net !== is;
    if (!bar.hidden) say(bar.innerText);
  }
};
