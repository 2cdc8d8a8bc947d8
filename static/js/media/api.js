/** The site's doors for uploads, and what may go wrong at them. Each answers, or throws a Trouble. */
import { whose } from "../chat/api.js";
import { NotUp, send as sendTo } from "./transport.js";

const PATIENCE = 30_000;
const OUT_OF_DATE = "page_out_of_date"; // somebody signed in since: the page's CSRF token is an old one

/**
 * Why something did not happen. `kind`: "final", it will not be taken, and the message says why; "later", it may work in
 * a while (`wait` ms, if somebody said so); "again", it has to be sent once more; "signed-out".
 */
export class Trouble extends Error {
  name = "Trouble";
  constructor(kind, message = "", wait = 0) {
    super(message);
    Object.assign(this, { kind, wait });
  }
}

/** Ask a door of ours; with a body, POST it. Answers what it says. Throws Trouble. */
export async function call(path, body, { signal } = {}) {
  try {
    return await ask(path, body, signal);
  } catch (trouble) {
    if (trouble.code === OUT_OF_DATE && (await whose()) === "mine") return ask(path, body, signal);
    throw trouble;
  }
}

const token = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

async function ask(path, body, signal) {
  const patience = new AbortController();
  const stop = () => patience.abort();
  const timer = setTimeout(stop, PATIENCE);
  signal?.addEventListener("abort", stop);
  const form = body instanceof FormData;
  try {
    const response = await fetch(path, {
      method: body === undefined ? "GET" : "POST",
      headers: {
        Accept: "application/json",
        ...(body !== undefined && { "X-CSRFToken": token() }),
        ...(body !== undefined && !form && { "Content-Type": "application/json" }),
      },
      body: body === undefined || form ? body : JSON.stringify(body),
      redirect: "manual", // our doors redirect nowhere but to the sign-in
      signal: patience.signal,
    });
    const said = await response.json().catch(() => ({}));
    if (response.ok) return said;
    throw trouble(response, said.error ?? {});
  } catch (error) {
    if (signal?.aborted) throw error;
    throw error instanceof Trouble ? error : new Trouble("later");
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

function trouble({ status, type, headers }, { code = "", message = "", fields }) {
  const wait = Number(headers.get("Retry-After") || 0) * 1000 || 0;
  const kind = type === "opaqueredirect" || status === 401 ? "signed-out"
    : status === 429 || status === 408 || status >= 500 ? "later"
    : code === "not_sent" ? "again" : "final";
  return Object.assign(new Trouble(kind, message || "That didn’t work. Reload the page and try again.", wait), { code, fields, status });
}

/** Ask to put up a file. Answers {upload, url, fields}. */
export const askFor = (purpose, target, file, signal) =>
  call("/media/uploads/", { purpose, target, name: file.name ?? "", content_type: file.type ?? "", size: file.size }, { signal });

export const complete = (id, signal) => call(`/media/uploads/${id}/complete/`, {}, { signal }).then(({ upload }) => upload);
export const cancel = (id) => call(`/media/uploads/${id}/cancel/`, {});
export const retry = (id) => call(`/media/uploads/${id}/retry/`, {}).then(({ upload }) => upload);
export const states = (ids) => call(`/media/uploads/?ids=${ids.join(",")}`).then(({ uploads }) => uploads);

const PASSING = ["", "status_403", "status_408", "status_429"]; // a cut line, a form that is over, a busy storage

/** Send a file to the storage with the form that it was given. `heard` is told how much of it went, from 0 to 1. */
export async function send(asked, file, heard, signal) {
  try {
    await sendTo(asked, file, signal, heard);
  } catch (error) {
    if (!(error instanceof NotUp)) throw error;
    throw new Trouble(error.again && (PASSING.includes(error.code) || error.code.startsWith("status_5")) ? "later" : "final", error.message);
  }
}
