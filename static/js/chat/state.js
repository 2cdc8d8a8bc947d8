/* What this tab knows, as a pure function of what it was told: apply(state, frame) -> state.
   Frames may come twice, late, out of order, or not at all. Nothing is taken back by an older version; whatever was
   missed shows as isBehind(state), and the answer to one question ("what is newer than state.version?") repairs it.
   Offsets and lengths of text are UTF-16 units, as JavaScript counts. */

const REMEMBERED = 20; // replies whose late frames are known to be late

/** The first state, from what the server put into the page. */
export function begin({ conversation = null, messages = [], reply = null, has_older = false, threads = [], has_more = false }) {
  const state = {
    conversation, // its header, as it was told last
    version: conversation?.version ?? 0, // everything up to here is held
    heard: conversation?.version ?? 0, // the newest version that was mentioned
    read: conversation?.last_read_seq ?? 0,
    known: new Map(), // id -> the newest that was told of a message: also of deleted ones, and above the first one shown
    messages: [], // those to show, in order
    floor: 0, // the seq of the first one to show, while there are older ones
    hasOlder: has_older,
    outbox: [], // {client_id, text, created_at, status: sending | waiting | held | failed | unchecked, why}
    reply: null, // the latest: as told, and {landed, hole, stopping, since, from}
    past: [], // ids of replies that another one followed
    threads: [...threads].sort(newestFirst),
    moreThreads: has_more,
  };
  return hearReply(page(state, messages, has_older), reply, true);
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
  return state.heard > state.version || Boolean(reply && !reply.landed && (reply.hole || isOver(reply) || (isOwed(reply) && answer(state))));
}

/** Whether a reply is owed, shown as being written or not. */
export const isWaiting = ({ reply }) => Boolean(reply && isOwed(reply));

/** Whether she is about to write or writing. */
export function isWriting(state) {
  const { reply } = state;
  return Boolean(reply && isOwed(reply) && !reply.stopping && !standsThere(state));
}

/** The text to show as being written: also after its end, until the message itself is here. */
export function streamed(state) {
  const { reply } = state;
  return reply && !reply.landed && reply.state !== "failed" && !standsThere(state) ? reply.text : "";
}

/** What there is of a reply that broke off. What another answer had begun with goes: its message has its words again. */
export function brokenOff({ reply }) {
  return reply?.state === "failed" && !reply.replaces ? reply.text : "";
}

/** What is left: {kind: "premium" | "plenty" | "low" | "out" | "care", left}. It is out when the last message has its
    answer; beside a crisis card nothing is counted. */
export function quota({ conversation, reply }, low) {
  const left = conversation.free_remaining.text;
  if (conversation.care) return { kind: "care", left };
  if (conversation.premium_active) return { kind: "premium", left };
  const out = left <= 0 && !(reply && isOwed(reply));
  return { kind: out ? "out" : left <= low ? "low" : "plenty", left };
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

  /* With `since` it ends the answer to a watch: every message changed after that version came before it. Otherwise a
     header that is next is a change of its own only if it says something new itself: else a message changed, and
     either it came before its header, or it was lost. */
  conversation(state, { conversation, since }) {
    const held = state.conversation;
    const next = conversation.version === state.version + 1 && held.version === state.version;
    const own = next && conversation.last_seq === held.last_seq && facts(conversation) !== facts(held);
    return advance(header(state, conversation), conversation.version, since === undefined ? own : since <= state.version);
  },

  /* The answer to "what is newer than `since`?": everything, or `has_more`, too much to tell. Without `since`, the
     newest messages afresh, where `has_more` says that there are older ones. */
  state(state, { since, conversation, reply, messages, has_more }) {
    const stale = conversation.version < state.version;
    const asked = since !== undefined && since !== null;
    if (!asked && stale) return state;
    const told = asked ? put(state, messages) : page({ ...state, known: new Map() }, messages, has_more);
    const whole = !asked || (since <= state.version && !has_more);
    const next = advance(header(told, conversation), conversation.version, whole);
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

  /* The answer to a send, with the site's lines below it; or to asking again, or going on. */
  sent(state, { message, notices = [], reply, conversation }) {
    const said = [message, ...notices].filter(Boolean);
    const told = said.reduce((before, each) => deeds.message(before, { message: each, version: each.version }), state);
    return deeds.conversation(reply ? deeds.owed(told, { reply }) : told, { conversation });
  },

  delta(state, { reply: id, offset, text }) {
    const { reply } = state;
    if (reply?.id !== id) {
      if (state.past.includes(id) || offset !== 0) return state;
      // Nobody announced it: whose answer it is has to be asked.
      return hearReply(state, { id, state: "writing", text, can_retry: false, message: null, replaces: null, hole: true }, false);
    }
    if (reply.stopping || !isOwed(reply)) return state;
    if (offset > reply.text.length) return reply.hole ? state : { ...state, reply: { ...reply, hole: true } };
    const end = offset + text.length;
    if (reply.state === "writing" && reply.text.slice(offset, end) === text) return state;
    return { ...state, reply: { ...reply, state: "writing", text: reply.text.slice(0, offset) + text } };
  },

  account(state, { premium_active, premium_until }) {
    if (!state.conversation) return state;
    return { ...state, conversation: { ...state.conversation, premium_active, premium_until } };
  },

  thread(state, { thread }) {
    const held = state.threads.find((row) => row.conversation === thread.conversation);
    if (held && time(held) > time(thread)) return state;
    if (thread.unread && isRead(state, thread)) thread = { ...thread, unread: false };
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

  /* What came before `before`; of no use when this tab begins somewhere else by now. */
  older(state, { before, messages, has_more }) {
    return before === state.floor ? page(state, messages, has_more) : state;
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
    if (seq <= state.read) return state;
    const id = state.conversation?.id;
    return { ...state, read: seq, threads: state.threads.map((row) => (row.conversation === id ? { ...row, unread: false } : row)) };
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
const isOwed = (reply) => reply.state === "queued" || reply.state === "writing";
/* Whether this row tells of a message that was read here already: it was on its way when that was told. */
function isRead({ conversation, messages, read }, thread) {
  const last = messages.at(-1);
  return thread.conversation === conversation?.id && last && last.seq <= read && time(thread) <= Date.parse(last.created_at);
}

const facts = ({ free_remaining, last_read_seq }) => JSON.stringify([free_remaining, last_read_seq]);

// --- Messages ---

/* News of messages: a newer version replaces, an older one is ignored. What is not known at all although everything up
   to its version is held was deleted since. A message above the first one shown is kept for its page. */
function put(state, messages) {
  const news = messages.filter((m) => m.version > (state.known.get(m.id)?.version ?? state.version));
  return news.length ? show(state, news) : state;
}

/* Messages as they were when somebody asked for this page of them, above what is shown so far or in place of it. */
function page(state, messages, hasOlder) {
  const news = messages.filter((m) => !(state.known.get(m.id)?.version >= m.version));
  return show({ ...state, hasOlder, floor: hasOlder ? messages[0]?.seq ?? 0 : 0 }, news);
}

function show(state, news) {
  const known = new Map(state.known);
  for (const m of news) known.set(m.id, m);
  const messages = [...known.values()].filter((m) => !m.deleted && m.seq >= state.floor).sort(bySeq);
  const sent = new Set(news.map((m) => m.client_id).filter(Boolean)); // an echo takes the optimistic one's place
  const outbox = sent.size ? state.outbox.filter((item) => !sent.has(item.client_id)) : state.outbox;
  return land({ ...state, known, messages, outbox });
}

function header(state, conversation) {
  if (state.conversation?.version > conversation.version) return state;
  return { ...state, conversation, read: Math.max(state.read, conversation.last_read_seq) };
}

/* `version` was heard; `whole` says that everything up to it is held now. */
function advance(state, version, whole) {
  let reached = whole ? Math.max(state.version, version) : state.version;
  const ahead = new Set([...state.known.values()].map((m) => m.version));
  while (ahead.has(reached + 1)) reached += 1;
  const heard = Math.max(state.heard, version, reached);
  return reached === state.version && heard === state.heard ? state : { ...state, version: reached, heard };
}

// --- Her reply ---

/* A reply as it stands. `snapshot` says that the messages of that moment came with it: if it is over, its message is
   here, or was deleted. `since` and `from` say what there was when it was heard of: the last seq, and how many answers
   of the message that it replaces. */
function hearReply(state, reply, snapshot) {
  const held = state.reply;
  if (!reply) return held ? { ...state, reply: null } : state;
  const other = held?.id !== reply.id;
  const over = isOver(reply);
  const from = over ? -1 : (state.known.get(reply.replaces)?.alternatives ?? 0);
  const mark = other || snapshot ? { since: state.messages.at(-1)?.seq ?? 0, from } : { since: held.since, from: held.from };
  if (other) {
    if (!snapshot && state.past.includes(reply.id)) return state;
    const past = held ? [...state.past, held.id].filter((id) => id !== reply.id).slice(-REMEMBERED) : state.past;
    return land({ ...state, past, reply: { ...reply, ...mark, landed: snapshot && over } });
  }
  if ((!isOwed(held) || held.stopping) && !over && reply.state !== "failed") return state;
  const grown = held.text.startsWith(reply.text) && (reply.text !== "" || snapshot || over) && reply.state !== "failed";
  const text = grown ? held.text : reply.text;
  const replaces = reply.replaces ?? held.replaces; // whose answer it is never changes
  return land({ ...state, reply: { ...reply, ...mark, replaces, text, landed: held.landed || (snapshot && over) } });
}

/* A reply that is over has landed when the message that it became is known, with one answer more if there was one
   already; or when it became none. */
function land(state) {
  const { reply } = state;
  if (!reply || reply.landed || !isOver(reply)) return state;
  const became = state.known.get(reply.message);
  const landed = reply.message === null || (became && (reply.message !== reply.replaces || hasGrown(became, reply)));
  return landed ? { ...state, reply: { ...reply, landed, hole: false } } : state;
}

const hasGrown = (message, reply) => message.deleted || message.alternatives > reply.from;

/* What a reply that should still be on its way has probably become, where the frame that says so is late or lost: one
   more answer of what it replaces; else her newest message, if it was not there when the reply was heard of. */
function answer({ reply, known, messages }) {
  const found = reply.replaces ? known.get(reply.replaces) : messages.findLast((m) => m.sender === "ai");
  return found && (reply.replaces ? hasGrown(found, reply) : found.seq > reply.since) ? found : null;
}

/* Whether what is being written stands there as a message already. It could be the answer of another reply: so it must
   begin as what is written does, and the server is asked. */
function standsThere(state) {
  const { reply } = state;
  const found = !reply.landed && !reply.message && answer(state);
  if (!found || reply.replaces) return Boolean(found);
  const [whole, part] = [found.text.trim(), reply.text.trim()];
  return whole.startsWith(part) || part.startsWith(whole);
}
