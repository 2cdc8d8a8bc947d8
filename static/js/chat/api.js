const PATIENCE = 15_000;

/**
 * Ask the server, about this page's conversation where the path begins without a slash; with a body, POST it. Answers {ok, status, body, code, wait, signedOut}; rejects when no answer
 * came. `wait` is Retry-After in milliseconds.
 */
export async function call(path, body) {
  const post = body !== undefined;
  const token = document.querySelector('meta[name="csrf-token"]')?.content ?? "";
  const response = await fetch(path, {
    method: post ? "POST" : "GET",
    headers: { Accept: "application/json", ...(post && { "Content-Type": "application/json", "X-CSRFToken": token }) },
    body: post ? JSON.stringify(body) : undefined,
    keepalive: post, // what was done is done, also when the page is left at once
    redirect: "manual", // a redirect can only be to the sign-in page
    signal: AbortSignal.timeout(PATIENCE),
  });
  const { ok, status, headers, type } = response;
  const answer = headers.get("Content-Type")?.includes("json") ? await response.json() : {};
  const code = answer.error?.code ?? "";
  return {
    ok,
    status,
    code,
    body: answer,
    wait: Number(headers.get("Retry-After") || 0) * 1000,
    date: Date.parse(headers.get("Date")) || Date.now(),
    signedOut: type === "opaqueredirect" || status === 401 || (status === 403 && code !== "security_check_failed"),
  };
}
