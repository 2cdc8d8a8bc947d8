/* One file on its way up: ask the site, send the file to the storage, say that it is there, wait until it is ready. */

const PATIENCE = 20_000; // for an answer of the site; the sending itself takes what it takes, while something moves
const STILL = 60_000; // so long may nothing move
const FIRST_LOOK = 300;
const LAST_LOOK = 2_000;
const LOST_LOOKS = 8; // one after the other, until a wait is given up: about a quarter of a minute
const LONGEST_WAIT = 60_000; // for a site that says "slower"
const LOST = "The connection was lost. Try again.";

/** It did not go up; `message` is for the person. `again`: the same file may go up the next time. */
export class NotUp extends Error {
  name = "NotUp";
  constructor(message, { code = "", again = false, upload = null } = {}) {
    super(message);
    Object.assign(this, { code, again, upload });
  }
}

/**
 * Put up one file (a File, or a Blob with a `name` in the options). Answers the upload when it is ready; rejects with
 * NotUp, or with the reason of `signal` when that was aborted, and then the site knows that it was given up.
 * `onProgress` gets what was sent, from 0 to 1; `onSent` is called when the site works on it.
 */
export async function putUp(file, { purpose, target = {}, name = file.name, signal, onProgress = () => {}, onSent = () => {} }) {
  const asked = await ask({ purpose, target, name, content_type: file.type || "unknown", size: file.size }, signal);
  const { id } = asked.upload;
  try {
    await send(asked, file, signal, onProgress);
    await call(`${id}/complete/`, {}, signal);
    onSent(asked.upload);
    return await ready(id, signal);
  } catch (error) {
    if (!(error instanceof NotUp && error.upload)) call(`${id}/cancel/`, {}).catch(() => {}); // it goes by itself, later
    throw error;
  }
}

/** Let the site try once more what it failed to make ready, without sending it again. Answers and rejects as putUp. */
export async function retry(id, { signal } = {}) {
  await call(`${id}/retry/`, {}, signal);
  return ready(id, signal);
}

async function ask(body, signal) {
  for (;;) {
    try {
      return await call("", body, signal);
    } catch (error) {
      if (error.code !== "too_many_requests") throw error;
      await pause(Math.min(error.wait || 1_000, LONGEST_WAIT), signal);
    }
  }
}

/** The file, to wherever the site said: `onProgress` gets 0 to 1. Only XMLHttpRequest tells how much was sent. */
export function send({ url, fields }, file, signal, onProgress) {
  const form = new FormData();
  for (const [key, value] of Object.entries(fields)) form.append(key, value);
  form.append("file", file, "file"); // last: a bucket reads no field behind it
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let timer;
    const watch = () => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), STILL);
    };
    const give = () => request.abort();
    request.upload.onprogress = ({ loaded, total }) => {
      watch();
      onProgress(total ? loaded / total : 0);
    };
    request.onload = () => (request.status >= 200 && request.status < 300 ? resolve() : reject(unsent(request.status)));
    request.onerror = () => reject(new NotUp(LOST, { again: true }));
    request.onabort = () => reject(signal?.aborted ? signal.reason : new NotUp(LOST, { again: true }));
    request.onloadend = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", give);
    };
    if (signal?.aborted) return reject(signal.reason);
    signal?.addEventListener("abort", give);
    request.open("POST", url);
    watch();
    request.send(form);
  });
}

function unsent(status) {
  if (status === 413) return new NotUp("That file is too large.");
  return new NotUp("Our storage didn’t take the file. Try again.", { again: true, code: `status_${status}` });
}

/* Look until it is ready or refused. */
async function ready(id, signal) {
  let lost = 0;
  for (let wait = FIRST_LOOK; ; wait = Math.min(wait * 1.4, LAST_LOOK)) {
    await pause(wait, signal);
    let upload;
    try {
      ({ upload } = await call(`${id}/`, undefined, signal));
      lost = 0;
    } catch (error) {
      if (signal?.aborted || !error.again || ++lost >= LOST_LOOKS) throw error;
      continue;
    }
    if (upload.state === "ready") return upload;
    if (upload.state !== "issued" && upload.state !== "arrived") {
      throw new NotUp(upload.error || "It was given up.", { code: upload.state, again: upload.state === "failed", upload });
    }
  }
}

async function call(path, body, signal) {
  const post = body !== undefined;
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PATIENCE);
  const give = () => patience.abort();
  if (signal?.aborted) throw signal.reason;
  signal?.addEventListener("abort", give);
  let response, answer;
  try {
    response = await fetch(`/media/uploads/${path}`, {
      method: post ? "POST" : "GET",
      headers: { Accept: "application/json", ...(post && { "Content-Type": "application/json", "X-CSRFToken": token() }) },
      body: post ? JSON.stringify(body) : undefined,
      keepalive: post,
      redirect: "manual", // our doors redirect nowhere
      signal: patience.signal,
    });
    answer = await response.json();
  } catch (error) {
    throw signal?.aborted ? signal.reason : new NotUp(LOST, { again: true });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", give);
  }
  if (response.ok && answer?.upload) return answer;
  const { code = "", message = LOST } = answer?.error ?? {};
  const refusal = new NotUp(message, { code, again: response.ok || response.status >= 500 || response.status === 429 || code === "not_sent" });
  throw Object.assign(refusal, { wait: Number(response.headers.get("Retry-After") || 0) * 1000 || 0 });
}

const token = () =>
  document.querySelector('meta[name="csrf-token"]')?.content ?? document.querySelector('input[name="csrfmiddlewaretoken"]')?.value ?? "";

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const give = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", give);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", give, { once: true });
  });
}
