/* What a server tells, for tests: shapes and frames of one conversation. */
import { apply } from "../../static/js/chat/state.js";

export const ID = "c1";
export const girl = { name: "Mara", slug: "mara", avatar_url: "/mara.svg" };

export function message(seq, { version = seq, sender = "user", text = `text ${seq}`, client_id = null, alternatives = 0 } = {}) {
  const fixed = { kind: "text", media: null, audio: null, created_at: "2026-11-21T10:00:00Z", edited_at: null };
  return { id: `m${seq}`, seq, version, sender, text, html: `<p>${text}</p>`, client_id, alternatives, chosen: alternatives, ...fixed };
}
export const gone = (seq, version) => ({ id: `m${seq}`, seq, version, deleted: true });

export function header(version, { last_seq = version, last_read_seq = 0, text = 10, premium_active = false } = {}) {
  return { id: ID, girl, version, last_seq, last_read_seq, free_remaining: { text, media: 2, audio: 3 }, premium_active, premium_until: null };
}

export function reply(id, state, text = "", { message = null, replaces = null } = {}) {
  return { id, state, text, can_retry: state === "failed", message, replaces };
}
export const became = (id, message, over = {}) => reply(id, "done", "", { message, ...over });

export const told = {
  message: (m) => ({ type: "message", conversation: ID, version: m.version, message: m }),
  conversation: (c, since) => ({ type: "conversation", conversation: c, ...(since !== undefined && { since }) }),
  reply: (r) => ({ type: "reply", conversation: ID, reply: r }),
  delta: (id, offset, text) => ({ type: "delta", conversation: ID, reply: id, offset, text }),
};

/** The state after all these frames. */
export const all = (state, ...frames) => frames.reduce(apply, state);
