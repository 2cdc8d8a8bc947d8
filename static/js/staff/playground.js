/** A talk with a character that is being written, beside the form: the answer comes word by word. */

/** The objects of a body that is a line of JSON each, as they come. */
export async function* lines(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    rest += decoder.decode(value, { stream: !done });
    const whole = rest.split("\n");
    rest = whole.pop();
    for (const line of whole) if (line) yield JSON.parse(line);
    if (done) return;
  }
}

/** What a talk says of its end: tokens, cost and times, in words. */
export function facts({ provider, model, tokens_in, tokens_cached, tokens_out, cost, first_ms, total_ms }, words) {
  const told = (n) => (n ?? null) === null ? words.unknown : n.toLocaleString("en");
  const seconds = (ms) => (ms ?? null) === null ? words.unknown : words.seconds.replace("{n}", (ms / 1000).toFixed(1));
  return {
    by: [provider, model].filter(Boolean).join(", "),
    in: told(tokens_in) + (tokens_cached ? ` (${words.cached.replace("{n}", told(tokens_cached))})` : ""),
    out: told(tokens_out),
    cost: cost === null ? words.noPrice : `$${cost}`,
    first: seconds(first_ms),
    total: seconds(total_ms),
  };
}

export function mount(root) {
  const find = (name) => root.querySelector(`[data-${name}]`);
  const words = root.dataset;
  const form = document.querySelector(words.form);
  const [log, say, error, write, stop, send] = ["log", "say", "error", "write", "stop", "send"].map(find);
  const input = write.querySelector("textarea");
  let turns = [];
  let running = null;

  const value = (name) => form.elements[name]?.value.trim() ?? "";
  const persona = () => ({
    name: value("name") || words.name,
    persona: value("persona_prompt"),
    example_dialogue: value("example_dialogue"),
    greeting: value("greeting"),
  });

  function row(sender, text, name) {
    const item = root.querySelector("template").content.firstElementChild.cloneNode(true);
    item.classList.add(sender);
    item.querySelector("b").textContent = `${sender === "user" ? words.you : name}: `;
    const place = item.querySelector("span");
    place.textContent = text;
    log.append(item);
    log.scrollTop = log.scrollHeight;
    return place;
  }

  function fail(message) {
    error.hidden = !message;
    error.querySelector("span").textContent = message;
  }

  function busy(is) {
    stop.hidden = !is;
    send.hidden = is;
    root.setAttribute("aria-busy", String(is));
  }

  /** What the host was asked; never the key, which is in no body. */
  function sent({ provider, body }) {
    find("sent").hidden = false;
    find("sent-to").textContent = `: ${provider}`;
    find("body").textContent = JSON.stringify(body, null, 2);
  }

  function done(end) {
    find("facts").hidden = false;
    for (const [name, text] of Object.entries(facts(end, words))) root.querySelector(`[data-fact="${name}"]`).textContent = text;
  }

  async function ask(text) {
    const who = persona();
    fail("");
    for (const [name, label] of [["name", "name"], ["persona", "persona_prompt"]]) {
      if (who[name]) continue;
      const field = form.elements[label];
      fail(words.nothing.replace("{field}", field?.labels?.[0]?.textContent.replace(/[*:]/g, "").trim() || label));
      field?.focus();
      return false;
    }
    if (turns.length === 0 && who.greeting) row("ai", who.greeting, who.name);
    turns.push({ sender: "user", text });
    row("user", text, who.name);
    const place = row("ai", words.writing, who.name);
    const abort = (running = new AbortController());
    let answer = "";
    let ended = false;
    busy(true);
    try {
      const response = await fetch(words.url, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": document.querySelector('meta[name="csrf-token"]').content },
        body: JSON.stringify({ ...who, turns }),
        signal: abort.signal,
      });
      if (!response.ok) throw new Error((await response.json().catch(() => null))?.error?.message || words.broken);
      for await (const line of lines(response.body)) {
        if (line.type === "request") sent(line);
        if (line.type === "text") place.textContent = answer += line.text;
        if (line.type === "withdrawn") place.textContent = answer = "";
        if (line.type === "done") done(line);
        if (line.type === "error") fail(line.message);
        ended ||= line.type === "done" || line.type === "error";
        log.scrollTop = log.scrollHeight;
      }
      if (!ended) fail(words.broken);
    } catch (problem) {
      if (abort !== running) return true; // started over meanwhile
      if (problem.name === "AbortError") say.textContent = words.stopped;
      else fail(problem instanceof TypeError ? words.broken : problem.message);
    }
    if (abort !== running) return true;
    running = null;
    busy(false);
    if (answer.trim()) {
      turns.push({ sender: "ai", text: answer.trim() });
      say.textContent = `${who.name}: ${answer}`;
      return true;
    }
    // Nothing was answered: the turn is taken back, and may be sent again.
    turns.pop();
    place.closest("li").previousElementSibling.remove();
    place.closest("li").remove();
    return false;
  }

  write.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (!text || running) return;
    input.value = "";
    if (!(await ask(text)) && !input.value) input.value = text;
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    write.requestSubmit();
  });
  stop.addEventListener("click", () => {
    running?.abort();
    input.focus();
  });
  find("again").addEventListener("click", () => {
    running?.abort();
    running = null;
    turns = [];
    log.replaceChildren();
    busy(false);
    fail("");
    find("facts").hidden = find("sent").hidden = true;
    input.focus();
  });
}

if (globalThis.document) for (const root of document.querySelectorAll("[data-try]")) mount(root);
