const PATIENCE = 15_000;
const AGAIN = 1_000; // until it is asked a second time whether nobody is signed in
const OUT_OF_DATE = "page_out_of_date"; // somebody signed in since this page was opened: its CSRF token is an old one

/* What the answers of our own doors hold, by method and the last word of the path; others have nothing to say: 204. */
const isHeader = (conversation) => Number.isInteger(conversation?.version);
const isSent = ({ message, conversation }) => Boolean(message?.id) && isHeader(conversation);
const DOORS = {
  "GET session": ({ member, csrf_token }) => Boolean(member && csrf_token),
  "GET threads": ({ threads, stamp }) => Array.isArray(threads) && Number.isInteger(stamp),
  "GET state": ({ conversation, messages }) => isHeader(conversation) && Array.isArray(messages),
  "GET search": ({ found }) => Array.isArray(found),
  "GET messages": ({ messages, has_more }) => Array.isArray(messages) && typeof has_more === "boolean",
  "POST permits": ({ permit, uses_left }) => typeof permit === "string" && Number.isInteger(uses_left),
  "POST messages": isSent,
  "POST retry": isSent,
  "POST go-on": ({ conversation, reply }) => isHeader(conversation) && reply !== undefined,
  "POST stop": ({ reply }) => reply !== undefined,
};

/** No answer of ours: of a firewall, a maintenance page, a captive portal, or cut off on the way. `status` is 0 for a redirect. */
export class Foreign extends Error {
  name = "Foreign";
  constructor(status) {
    super(`not our answer: ${status}`);
    this.status = status;
  }
}

/**
 * Ask the server, about this page's conversation where the path begins without a slash; with a body, POST it. Answers
 * {ok, status, body, code, wait, date}; rejects when no answer came, and with Foreign when it was none of ours. `wait`
 * is Retry-After in milliseconds. Who signed in again in another tab is asked for with the new CSRF token.
 */
export async function call(path, body) {
  const answer = await ask(path, body);
  return answer.code === OUT_OF_DATE && (await whose()) === "mine" ? ask(path, body) : answer;
}

let asking = null;

/**
 * Whose session it is: "mine", of whom this page was made for; "other"; "nobody", if the server said so twice; "unknown"
 * when it did not say. What this page sends from now on is sent with the CSRF token that is good now.
 */
export const whose = () => (asking ??= find().finally(() => (asking = null)));

async function find() {
  for (const pause of [AGAIN, 0]) {
    const { ok, code, body } = await ask("/chat/session/").catch(() => ({}));
    if (ok) return body.member === meta("member")?.content ? mine(body.csrf_token) : "other";
    if (code !== "sign_in_required") return "unknown";
    if (pause) await new Promise((resolve) => setTimeout(resolve, pause));
  }
  return "nobody";
}

function mine(token) {
  meta("csrf-token").content = token;
  for (const input of document.querySelectorAll('input[name="csrfmiddlewaretoken"]')) input.value = token;
  return "mine";
}

const meta = (name) => document.querySelector(`meta[name="${name}"]`);

async function ask(path, body) {
  const post = body !== undefined;
  const patience = globalThis.AbortController && new AbortController();
  const timer = setTimeout(() => patience?.abort(), PATIENCE);
  try {
    const response = await fetch(path, {
      method: post ? "POST" : "GET",
      headers: { Accept: "application/json", ...(post && { "Content-Type": "application/json", "X-CSRFToken": meta("csrf-token")?.content ?? "" }) },
      body: post ? JSON.stringify(body) : undefined,
      keepalive: post, // what was done is done, also when the page is left at once
      redirect: "manual", // our doors redirect nowhere
      signal: patience?.signal,
    });
    const answer = await ours(response, `${post ? "POST" : "GET"} ${path.replace(/\/?(\?.*)?$/, "").replace(/.*\//, "")}`);
    if (["consent_required", "account_paused", "account_banned"].includes(answer.code)) leadTo(answer.body.error.url);
    return answer;
  } finally {
    clearTimeout(timer);
  }
}

/* There is something to agree to first, or to be read, and the way back. What is written here waits in the browser's storage. */
function leadTo(page) {
  if (page?.startsWith("/")) location.assign(`${page}?next=${encodeURIComponent(location.pathname)}`);
}

/* The answer, if this site gave it: what the door promises, or a refusal in our own shape. */
async function ours(response, door) {
  const { ok, status, headers, type } = response;
  const strange = new Foreign(type === "opaqueredirect" ? 0 : status);
  let body = {};
  if (status !== 204) {
    if (!headers.get("Content-Type")?.includes("json")) throw strange;
    try {
      body = await response.json();
    } catch (error) {
      throw error.name === "SyntaxError" ? strange : error;
    }
  }
  const code = body?.error?.code ?? "";
  const promised = DOORS[door];
  const kept = ok ? (promised ? body && promised(body) : status === 204) : code && typeof code === "string";
  if (!kept) throw strange;
  return {
    ok,
    status,
    code,
    body,
    wait: Number(headers.get("Retry-After") || 0) * 1000 || 0,
    date: Date.parse(headers.get("Date")) || Date.now(),
  };
}
