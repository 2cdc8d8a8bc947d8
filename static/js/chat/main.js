/* Puts the chat together: one state, told by the socket, by answers and by the person; everything else draws it. */
import { at, call } from "./api.js";
import { Composer } from "./composer.js";
import { Log } from "./log.js";
import { LIMIT, Outbox } from "./outbox.js";
import { Permits, tokens } from "./permits.js";
import { Socket } from "./socket.js";
import { apply, begin, isBehind, isWriting, quota, streamed, unreadThreads } from "./state.js";
import { Threads } from "./threads.js";
import { forget } from "../site/device.js";
import { toast } from "../site/toasts.js";

const POLL = 5_000;
const PATIENCE = 3_000; // for the answer to a watch, before asking over HTTP
const HIDDEN = 250; // a tab in the background has no frames, but a title
const ACTIVE = 120_000; // somebody who did something within this may soon send
const TELL_AGAIN = 3 * 3_600_000; // of use, until the AI notice is repeated

const root = document.querySelector("[data-chat]");
const start = JSON.parse(document.getElementById("chat-state")?.textContent ?? "{}");
const id = start.conversation?.id;
const talk = root.querySelector("[data-talk]");
const title = document.title;
const keys = { draft: `dusk:draft:${id}`, told: `dusk:told:${id}` };

let state = begin({ ...start, has_more: root.dataset.more === "true" });
let net = "open";
let drawing = 0;
let drawn = { threads: state.threads, writing: isWriting(state) };
let asking;
let acted = -Infinity;
let reading = 0;

/* --- Being told --- */

function tell(frame) {
  const before = state;
  state = apply(state, frame);
  if (state === before) return;
  if (state.outbox !== before.outbox) {
    const left = new Set(state.outbox.map((item) => item.client_id));
    for (const item of before.outbox) if (!left.has(item.client_id)) outbox.forget(item.client_id);
  }
  if (streamed(before) && !streamed(state)) outbox.go();
  if (isBehind(state)) {
    if (!isBehind(before)) socket.ask();
    asking ??= setTimeout(refresh, PATIENCE); // the answer may be lost like anything else
  } else if (asking) asking = clearTimeout(asking);
  // What was written stands there at once; everything else once per frame.
  if (frame.type === "send") draw();
  else drawing ||= document.hidden ? setTimeout(draw, HIDDEN) : requestAnimationFrame(draw);
}

function draw() {
  cancelAnimationFrame(drawing);
  drawing = 0;
  const writing = isWriting(state);
  if (state.threads !== drawn.threads || writing !== drawn.writing) drawThreads(writing);
  drawn = { threads: state.threads, writing };
  if (!talk) return;
  log.draw(state);
  const { kind, left } = quota(state, start.free_total.text);
  if (kind === "premium" && talk.dataset.quota !== kind) toast("Premium is on. Write as much as you like.", "sparkles");
  if (kind !== "premium" && talk.dataset.quota === "premium") toast("Premium has ended.", "sparkles");
  talk.dataset.quota = kind;
  for (const place of root.querySelectorAll("[data-left]")) place.textContent = left;
  for (const place of root.querySelectorAll("[data-left-words]")) place.textContent = `${left} free message${left === 1 ? "" : "s"} left`;
  talk.querySelector("[data-meter]").value = left;
  root.querySelector("[data-free]").hidden = kind === "premium";
  composer.show({ writing, streaming: writing && streamed(state) !== "", locked: kind === "out" });
}

function drawThreads(writing) {
  threads.draw(state, writing);
  const unread = unreadThreads(state);
  document.title = unread ? `(${unread}) ${title}` : title;
  for (const badge of document.querySelectorAll("[data-unread-count]")) {
    badge.hidden = !unread;
    badge.querySelector("[data-unread-number]").textContent = unread;
  }
  for (const dot of document.querySelectorAll("[data-unread-dot]")) dot.hidden = !unread;
}

/** Ask over HTTP what is newer; with `afresh` for the newest messages as they are. */
async function refresh(afresh = false) {
  asking = clearTimeout(asking);
  if (!id) return refreshThreads();
  const since = afresh === true ? undefined : state.version;
  const answer = await ask(at(id, "state") + (since === undefined ? "" : `?after=${since}`));
  if (answer?.status === 404) return leave();
  if (!answer?.ok) return;
  if (answer.body.has_more && since !== undefined) return refresh(true);
  tell({ type: "state", since, ...answer.body });
}

async function refreshThreads() {
  const answer = await ask("/chat/threads/");
  if (answer?.ok) tell({ type: "threads", first: true, has_more: false, ...answer.body });
}

async function moreThreads() {
  const answer = await ask(`/chat/threads/?before=${encodeURIComponent(state.threads.at(-1)?.last_message_at)}`);
  if (answer?.ok) tell({ type: "threads", has_more: false, ...answer.body });
}

/* A question or a deed; null when no answer came. */
async function ask(path, body) {
  try {
    const answer = await call(path, body);
    if (answer.signedOut) signedOut();
    else if (net !== "signed-out" && socketIs !== "open") turn("polling");
    return answer;
  } catch {
    if (socketIs !== "open" && net !== "signed-out") turn("down");
    return null;
  }
}

/* To the list; the focus to the row of a thread, if one is named. */
function leave(thread) {
  location.replace(thread ? `/chat/#thread-${thread}` : "/chat/");
}

/* --- The connection --- */

let socketIs = "down";
let showing;

function turn(to) {
  if (net === to || net === "signed-out") return;
  const was = net;
  net = to;
  clearTimeout(showing);
  // A moment without connection is nobody's business.
  showing = setTimeout(showNet, to === "down" && navigator.onLine ? 2_000 : 0);
  if (to === "open" || (to === "polling" && was === "down")) outbox?.go();
}

function showNet() {
  const off = net === "down";
  if (talk) {
    talk.classList.toggle("offline", off);
    talk.querySelector("[data-offline]").hidden = !off;
    talk.querySelector("[data-signed-out]").hidden = net !== "signed-out";
    if (off) log.say("You’re offline. Reconnecting…");
    if (net === "signed-out") log.say("You’re signed out. Your draft is kept.");
  } else if (net === "signed-out") location.reload();
}

function signedOut() {
  turn("signed-out");
}

/* --- Sending --- */

const permits = new Permits({
  wanted: () => !document.hidden && performance.now() - acted < ACTIVE,
  mint: async () => {
    const { ok, body, date, wait } = await call("/chat/permits/", { token: await token(), scope: start.permit_scope });
    if (!ok) throw Object.assign(new Error("no permit"), { name: "CheckFailed", wait });
    return { ...body, lasts: Date.parse(body.expires_at) - date };
  },
});
const token = talk && tokens(talk.querySelector("[data-check]"));

const outbox = talk && new Outbox({
  conversation: id,
  items: () => state.outbox,
  tell(frame) {
    if (frame.type !== "sent") return tell(frame);
    tell({ type: "message", version: frame.message.version, message: frame.message });
    if (frame.reply) tell({ type: "owed", reply: frame.reply });
    tell({ type: "conversation", conversation: frame.conversation });
  },
  async deliver({ text, client_id }, again) {
    if (again) permits.discard();
    const permit = await permits.take();
    return call(at(id, "messages"), { text, client_id, permit });
  },
  giveBack(texts) {
    composer.write([...texts, composer.text].filter(Boolean).join("\n"));
    refresh();
  },
  held: () => isWriting(state) && streamed(state) !== "",
  signedOut,
});

function send(text) {
  acted = performance.now();
  if (net === "signed-out" || state.outbox.some((item) => item.status === "held")) return false;
  if (!outbox.add(text)) {
    toast(`${LIMIT} messages are waiting already.`, "circle-alert");
    return false;
  }
  remind();
  return true;
}

async function stop() {
  if (!isWriting(state)) return;
  const seen = streamed(state).length;
  tell({ type: "stop", seen });
  const answer = await ask(at(id, "stop"), { seen });
  if (!answer?.ok) tell({ type: "unstop" });
  else if (answer.body.reply) tell({ type: "reply", reply: answer.body.reply });
}

async function retry() {
  const answer = await ask(at(id, "retry"), {});
  if (answer?.ok) outbox.tell({ type: "sent", ...answer.body });
  else if (answer) refresh();
  if (!answer || answer.status === 429) apologise();
  log.focus(state.messages.findLast((m) => m.sender === "user")?.id);
}

function apologise() {
  toast("That didn’t get through. Try again in a moment.", "circle-alert");
}

/* --- Reading --- */

function seen() {
  if (document.hidden || !log?.pinned || net === "signed-out") return;
  remind();
  const last = state.messages.at(-1)?.seq ?? 0;
  if (last <= state.read || reading >= last) return;
  reading = last;
  tell({ type: "read", seq: last });
  ask(at(id, "read"), { seq: last }).then((answer) => {
    if (!answer?.ok) reading = 0;
  });
}

/* The AI notice: at the start of a conversation (the page has it there), and again after hours of use. */
function remind() {
  const now = Date.now();
  const told = Number(localStorage.getItem(keys.told) ?? 0);
  if (now - told < TELL_AGAIN) return;
  localStorage.setItem(keys.told, now);
  if (told || state.hasOlder) log.tell();
}

async function older(before) {
  const answer = await ask(`${at(id, "messages")}?before=${before}`);
  return answer?.ok && (() => {
    state = apply(state, { type: "older", before, ...answer.body });
    draw();
  });
}

/* --- Together --- */

const threads = new Threads(root, { current: id, more: moreThreads });
const log = talk && new Log(talk, { unreadFrom: start.unread_from, older, seen });
const warm = () => {
  acted = performance.now();
  permits.warm();
};
const composer = talk && new Composer(talk, { draft: keys.draft, most: start.message_max, sends: start.enter_sends, send, stop, warm });

drawThreads(isWriting(state)); // the server's rows, in the viewer's time
if (talk) {
  draw();
  outbox.load();
  if (!document.hidden) permits.warm();
  mountTalk();
}

const socket = new Socket({
  url: `${location.protocol.replace("http", "ws")}//${location.host}/ws/`,
  watch: () => id && { conversation: id, version: state.version },
  beat: refreshThreads,
  hear(frame) {
    if (frame.type !== "error") tell(frame);
    else if (frame.code === "too_far_behind") refresh(true);
    else if (frame.code === "not_found") leave();
  },
  turn(to) {
    socketIs = to;
    if (to === "signed-out") signedOut();
    else if (to === "open") turn("open");
    else if (to === "down") navigator.onLine ? refresh() : turn("down");
  },
});
document.addEventListener("visibilitychange", () => {
  if (drawing) draw();
  if (talk) seen();
});
setInterval(() => {
  if (socketIs !== "open" && net !== "signed-out" && !document.hidden && navigator.onLine) refresh();
}, POLL);

function mountTalk() {
  const { input } = composer;
  history.replaceState(null, "", at(id)); // a starter in the address is a draft by now
  if (matchMedia("(pointer: fine) and (width >= 640px)").matches) input.focus({ preventScroll: true });
  else talk.querySelector("h1").focus({ preventScroll: true });
  addEventListener("storage", (event) => outbox.stored(event.key, event.newValue));
  // The keyboard of an iPhone lies over the page instead of making it smaller.
  const view = window.visualViewport;
  view?.addEventListener("resize", () => {
    const covered = view.scale === 1 ? Math.max(0, innerHeight - view.height - view.offsetTop) : 0;
    document.documentElement.style.setProperty("--kb", `${covered}px`);
  });

  const unsent = (button) => button.closest("li").dataset.client;
  const again = (button) => {
    const client_id = unsent(button);
    outbox.retry(client_id);
    log.focus(client_id);
  };
  const deeds = {
    retry,
    starter: ({ textContent }) => {
      composer.write(textContent.trim());
      input.focus();
    },
    resend: again,
    check: (button) => {
      permits.discard();
      again(button);
    },
    unsend: (button) => {
      outbox.drop(unsent(button));
      log.focus();
    },
    copy: async (button) => {
      const message = state.messages.find((m) => m.id === button.closest("li").dataset.id);
      await navigator.clipboard.writeText(message.text);
      toast("Copied");
    },
    panel: showPanel,
    forget: async () => {
      const answer = await ask(at(id, "delete"), {});
      if (!answer?.ok) return apologise();
      forget(id);
      const rows = state.threads.map((row) => row.conversation);
      const here = rows.indexOf(id);
      leave(rows[here + 1] ?? rows[here - 1]);
    },
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]");
    if (button) deeds[button.dataset.do](button);
  });
  mountTools();
}

/* The actions of a message: one set, which goes to the message that is pointed at, focused or pressed for long. */
function mountTools() {
  const { tools, list, box } = log;
  const show = (event) => {
    const row = event.target.closest("[data-id]");
    if (row && !row.contains(tools)) row.append(tools);
    tools.hidden = !row && tools.hidden;
  };
  // The one action is to copy, and a page that came over plain http from another machine has no clipboard.
  if (navigator.clipboard) {
    list.addEventListener("pointerover", (event) => event.pointerType === "mouse" && show(event));
    list.addEventListener("focusin", show);
    list.addEventListener("contextmenu", (event) => matchMedia("(pointer: coarse)").matches && show(event));
  }
  box.addEventListener("keydown", (event) => {
    const up = event.key === "ArrowUp";
    if (!up && event.key !== "ArrowDown") return;
    const rows = [...list.querySelectorAll("[data-id]")];
    const here = rows.indexOf(event.target.closest("[data-id]"));
    const next = here < 0 ? up && rows.at(-1) : rows[here + (up ? -1 : 1)]
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
}

/* The profile beside the conversation; where there is no room for it, a dialog. */
function showPanel(button) {
  const panel = root.querySelector("[data-panel]");
  if (matchMedia("(width >= 1100px)").matches) {
    button.setAttribute("aria-expanded", String(!root.classList.toggle("no-panel")));
    return;
  }
  const dialog = document.getElementById("chat-panel");
  const place = panel.parentElement;
  dialog.append(panel);
  dialog.addEventListener("close", () => place.append(panel), { once: true });
  dialog.showModal();
}
