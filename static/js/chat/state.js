/* What this tab knows, as a pure function of what it was told: apply(state, frame) -> state.
   Frames may come twice, late, out of order, or not at all. Nothing is taken back by an older version; whatever was
   missed shows as isBehind(state), and the answer to one question ("what is newer than state.version?") repairs it.
   Offsets and lengths of text are UTF-16 units, as JavaScript counts. */

const REMEMBERED = 20; // replies whose late frames are known to be late

/** The first state, from what the server put into the page. */
export function begin({ conversation = null, messages = [], reply = null, has_older = false, threads = [], has_more = false }) {
  return {
    conversation,
    version: conversation?.version ?? 0, // everything up to here is held
    heard: conversation?.version ?? 0, // the newest version that was mentioned
    messages: [...messages].sort(bySeq),
    hasOlder: has_older,
    outbox: [], // {client_id, text, created_at, status: sending | waiting | held | failed | unchecked, why}
    reply: reply && { ...reply, landed: isOver(reply) },
    past: [], // ids of replies that another one followed
    threads: [...threads].sort(newestFirst),
    moreThreads: has_more,
  };
}

/** The state after a frame; the very same object when the frame changes nothing. */
export function apply(state, frame) {
  if (!Object.hasOwn(deeds, frame?.type)) return state;
  const about = typeof frame.conversation === "object" ? frame.conversation?.id : frame.conversation;
  if (about !== undefined && about !== state.conversation?.id) return state;
  return deeds[frame.type](state, frame);
}

/** Whether something was missed and the server has to be asked. */
export function isBehind(state) {
  const { reply } = state;
  return state.heard > state.version || Boolean(reply && (reply.hole || (isOver(reply) && reply.text && !reply.landed)));
}

/** Whether she is about to write or writing. */
export function isWriting(state) {
  const { reply } = state;
  return Boolean(reply && (reply.state === "queued" || reply.state === "writing") && !reply.landed && !reply.stopping);
}

/** The text to show as being written: also after its end, until the message itself is here. */
export function streamed(state) {
  const { reply } = state;
  return reply && !reply.landed && reply.state !== "failed" ? reply.text : "";
}

/** What is left: {kind: "premium" | "plenty" | "low" | "out", left}. */
export function quota(state, total = 10) {
  const { conversation } = state;
  const left = conversation?.free_remaining.text ?? total;
  if (conversation?.premium_active) return { kind: "premium", left };
  return { kind: left <= 0 ? "out" : left <= 3 ? "low" : "plenty", left };
}

/** How many threads hold something unread. */
export function unreadThreads(state) {
  return state.threads.filter((row) => row.unread).length;
}

const deeds = {
  // --- What the server tells ---

  message(state, { version, message }) {
    return advance(put(state, [message]), version, version === state.version + 1);
  },

  /* With `since` it ends the answer to a watch: every message changed after that version came before it. Otherwise news
     travels in one parcel, the message before its header: a next header without one is a change of its own. */
  conversation(state, { conversation, since }) {
    const next = conversation.version === state.version + 1 && conversation.last_seq <= (state.messages.at(-1)?.seq ?? 0);
    const whole = since === undefined ? next : since <= state.version;
    return advance(header(state, conversation), conversation.version, whole);
  },

  /* The answer to "what is newer than `since`?": everything, or `has_more`, too much to tell. Without `since`, the
     newest messages afresh, where `has_more` says that there are older ones. */
  state(state, { since, conversation, reply, messages, has_more }) {
    const stale = conversation.version < state.version;
    const asked = since !== undefined && since !== null;
    if (!asked && stale) return state;
    const start = asked ? state : { ...state, messages: [], hasOlder: has_more };
    const whole = !asked || (since <= state.version && !has_more);
    const next = advance(header(put(start, messages), conversation), conversation.version, whole);
    return stale ? next : hearReply(next, reply, true);
  },

  /* With `since` it is part of the answer to a watch, after its messages: the latest reply, whatever was told before. */
  reply(state, { reply, since }) {
    return hearReply(state, reply, since !== undefined && since <= state.version);
  },

  /* The reply owed to what was just sent. Words of it, or its failure, may have been faster than this answer. */
  owed(state, { reply }) {
    return state.reply?.id === reply.id ? state : hearReply(state, reply, false);
  },

  delta(state, { reply: id, offset, text }) {
    const { reply } = state;
    if (reply?.id !== id) {
      if (state.past.includes(id) || offset !== 0) return state;
      return hearReply(state, { id, state: "writing", text, can_retry: false }, false);
    }
    if (reply.stopping || reply.state === "done" || reply.state === "stopped") return state;
    if (offset > reply.text.length) return reply.hole ? state : { ...state, reply: { ...reply, hole: true } };
    const end = offset + text.length;
    if (reply.state === "writing" && reply.text.slice(offset, end) === text) return state;
    return { ...state, reply: { ...reply, state: "writing", text: reply.text.slice(0, offset) + text, landed: false } };
  },

  account(state, { premium_active, premium_until }) {
    if (!state.conversation) return state;
    return { ...state, conversation: { ...state.conversation, premium_active, premium_until } };
  },

  thread(state, { thread }) {
    const held = state.threads.find((row) => row.conversation === thread.conversation);
    if (held && time(held) > time(thread)) return state;
    return { ...state, threads: [...without(state.threads, [thread]), thread].sort(newestFirst) };
  },

  /* A page of the thread list; the first page also says which of the newest are gone. */
  threads(state, { threads, has_more, first }) {
    const end = threads.length && has_more ? time(threads.at(-1)) : -Infinity;
    const kept = first ? state.threads.filter((row) => time(row) < end) : state.threads;
    const beyond = first && kept.length > 0; // pages after this one are held already
    return {
      ...state,
      threads: [...without(kept, threads), ...threads].sort(newestFirst),
      moreThreads: beyond ? state.moreThreads : has_more,
    };
  },

  older(state, { messages, has_more }) {
    return { ...put({ ...state, hasOlder: false }, messages), hasOlder: has_more };
  },

  // --- What the person does ---

  send(state, { item }) {
    const known = (list) => list.some((m) => m.client_id === item.client_id);
    if (known(state.messages) || known(state.outbox)) return state;
    return { ...state, outbox: [...state.outbox, item].sort((a, b) => a.created_at - b.created_at) };
  },

  mark(state, { client_id, status, why = "" }) {
    const changes = (item) => item.client_id === client_id && (item.status !== status || item.why !== why);
    if (!state.outbox.some(changes)) return state;
    return { ...state, outbox: state.outbox.map((item) => (changes(item) ? { ...item, status, why } : item)) };
  },

  drop(state, { client_id }) {
    return { ...state, outbox: state.outbox.filter((item) => item.client_id !== client_id) };
  },

  read(state, { seq }) {
    const { conversation } = state;
    if (!conversation || seq <= conversation.last_read_seq) return state;
    return {
      ...state,
      conversation: { ...conversation, last_read_seq: seq },
      threads: state.threads.map((row) => (row.conversation === conversation.id ? { ...row, unread: false } : row)),
    };
  },

  stop(state, { seen }) {
    if (!isWriting(state)) return state;
    return { ...state, reply: { ...state.reply, stopping: true, text: state.reply.text.slice(0, seen) } };
  },

  unstop(state) {
    return state.reply?.stopping ? { ...state, reply: { ...state.reply, stopping: false } } : state;
  },
};

const bySeq = (a, b) => a.seq - b.seq;
const time = (row) => Date.parse(row.last_message_at);
const newestFirst = (a, b) => time(b) - time(a) || (a.conversation < b.conversation ? -1 : 1);
const without = (rows, gone) => rows.filter((row) => !gone.some((other) => other.conversation === row.conversation));
const isOver = (reply) => reply.state === "done" || reply.state === "stopped";

/* Merge messages: a newer version replaces, an older one is ignored, an echo takes the optimistic one's place. */
function put(state, messages) {
  const held = new Map(state.messages.map((m) => [m.id, m]));
  const first = state.messages[0]?.seq ?? 0;
  const last = state.messages.at(-1)?.seq ?? 0;
  const fresh = messages.filter((m) => {
    if (state.hasOlder && m.seq < first) return false; // it comes with its page
    return (held.get(m.id)?.version ?? -1) < m.version;
  });
  if (!fresh.length) return state;
  for (const m of fresh) held.set(m.id, m);
  const sent = new Set(fresh.map((m) => m.client_id).filter(Boolean));
  const said = fresh.some((m) => m.sender === "ai" && m.seq > last);
  return {
    ...state,
    messages: [...held.values()].sort(bySeq),
    outbox: sent.size ? state.outbox.filter((item) => !sent.has(item.client_id)) : state.outbox,
    // She owes one reply at a time, so what she says now is the reply that was being written.
    reply: said && state.reply ? { ...state.reply, landed: true, hole: false } : state.reply,
  };
}

function header(state, conversation) {
  const held = state.conversation;
  if (held && held.version > conversation.version) return state;
  const last_read_seq = Math.max(held?.last_read_seq ?? 0, conversation.last_read_seq);
  return { ...state, conversation: { ...conversation, last_read_seq } };
}

/* `version` was heard; `whole` says that everything up to it is held now. */
function advance(state, version, whole) {
  let reached = whole ? Math.max(state.version, version) : state.version;
  const ahead = new Set(state.messages.filter((m) => m.version > reached).map((m) => m.version));
  while (ahead.has(reached + 1)) reached += 1;
  const heard = Math.max(state.heard, version, reached);
  return reached === state.version && heard === state.heard ? state : { ...state, version: reached, heard };
}

/* A reply as it stands. `snapshot` says that the messages of that moment came with it. */
function hearReply(state, reply, snapshot) {
  const held = state.reply;
  if (!reply) return held ? { ...state, reply: null } : state;
  if (held?.id !== reply.id) {
    if (!snapshot && state.past.includes(reply.id)) return state;
    const past = held ? [...state.past, held.id].filter((id) => id !== reply.id).slice(-REMEMBERED) : state.past;
    return { ...state, past, reply: { ...reply, landed: snapshot && isOver(reply) } };
  }
  const ends = isOver(reply);
  if ((isOver(held) || held.state === "failed" || held.stopping) && !ends && reply.state !== "failed") return state;
  const grown = held.text.startsWith(reply.text) && (reply.text !== "" || snapshot || ends) && reply.state !== "failed";
  const text = grown ? held.text : reply.text;
  const landed = ends ? held.landed || snapshot : held.landed && text === held.text && reply.state === "writing";
  return { ...state, reply: { ...reply, text, landed } };
}
