/* As much of a page as the chat's behaviours touch: elements in a tree, found by tag, class or data attribute. */

export class FakeText {
  constructor(data = "") { this.data = data; }
  get textContent() { return this.data; }
  appendData(more) { this.data += more; }
  contains(node) { return node === this; }
  cloneNode() { return new FakeText(this.data); }
  remove() { this.parentElement?.detach(this); }
}

const camel = (name) => name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());

export class FakeElement extends EventTarget {
  childNodes = [];
  parentElement = null;
  hidden = false;
  attributes = {};
  writes = 0; // how often its text was set
  constructor(tag, { data = {}, ...over } = {}, ...content) {
    super();
    Object.assign(this, { tag, dataset: { ...data }, className: "" }, over);
    this.append(...content);
  }
  get children() { return this.childNodes.filter((node) => node instanceof FakeElement); }
  get childElementCount() { return this.children.length; }
  get firstElementChild() { return this.children[0] ?? null; }
  get lastElementChild() { return this.children.at(-1) ?? null; }
  get firstChild() { return this.childNodes[0] ?? null; }
  get nextElementSibling() {
    const all = this.parentElement?.children ?? [];
    return all[all.indexOf(this) + 1] ?? null;
  }
  get textContent() { return this.childNodes.map((node) => node.textContent).join(""); }
  set textContent(words) {
    this.writes += 1;
    this.replaceChildren(String(words));
  }
  get classList() {
    const all = () => this.className.split(" ").filter(Boolean);
    const set = (names) => (this.className = names.join(" "));
    return {
      contains: (name) => all().includes(name),
      add: (name) => set([...new Set([...all(), name])]),
      remove: (name) => set(all().filter((other) => other !== name)),
      toggle: (name, on = !all().includes(name)) => {
        set(on ? [...new Set([...all(), name])] : all().filter((other) => other !== name));
        return on;
      },
    };
  }
  detach(node) {
    this.childNodes = this.childNodes.filter((other) => other !== node);
    node.parentElement = null;
  }
  insertBefore(node, before) {
    node.remove();
    const at = before ? this.childNodes.indexOf(before) : this.childNodes.length;
    this.childNodes.splice(at, 0, node);
    node.parentElement = this;
    return node;
  }
  append(...nodes) {
    for (const node of nodes) this.insertBefore(typeof node === "string" ? new FakeText(node) : node, null);
  }
  appendChild(node) { return this.insertBefore(node, null); }
  replaceChildren(...nodes) {
    for (const node of [...this.childNodes]) this.detach(node);
    this.append(...nodes.filter((node) => node !== ""));
  }
  remove() { this.parentElement?.detach(this); }
  contains(node) { return node === this || this.childNodes.some((child) => child.contains(node)); }
  closest(selector) { return this.matches(selector) ? this : (this.parentElement?.closest(selector) ?? null); }
  matches(selector) {
    if (selector === "*") return true;
    const [, tag, kind, name, value] = /^([a-z\d]*)(?:\.([\w-]+))?(?:\[data-([\w-]+)(?:="([^"]*)")?\])?$/.exec(selector);
    return (!tag || this.tag === tag) && (!kind || this.classList.contains(kind)) &&
      (!name || (value === undefined ? camel(name) in this.dataset : this.dataset[camel(name)] === value));
  }
  querySelectorAll(selector) {
    return this.children.flatMap((child) => [...(child.matches(selector) ? [child] : []), ...child.querySelectorAll(selector)]);
  }
  querySelector(selector) { return this.querySelectorAll(selector)[0] ?? null; }
  setAttribute(name, value) { this.attributes[name] = value; }
  removeAttribute(name) { delete this.attributes[name]; }
  getAttribute(name) { return this.attributes[name] ?? null; }
  focus() { FakeElement.focused = this; }
  getBoundingClientRect() { return { top: 0, bottom: 0 }; }
  cloneNode() {
    const over = { data: this.dataset, className: this.className, attributes: { ...this.attributes } };
    return new this.constructor(this.tag, over, ...this.childNodes.map((node) => node.cloneNode()));
  }
}

export const element = (tag, over, ...content) => new FakeElement(tag, over, ...content);

/** A row of the conversation, as the server draws it: `of` a message, or empty as in the template. */
export function row(of = null) {
  const mine = of?.sender === "user";
  return element("li", { className: of ? `message ${of.sender} first last` : "message", data: of ? { id: of.id, version: String(of.version) } : {} },
    element("span", { data: { who: "" } }, of ? `${mine ? "You" : "Mara"}, 10:00: ` : ""),
    ...(mine ? [] : [element("img", { className: "avatar" })]),
    element("div", { className: "bubble", data: { text: "" } }, ...(of ? [element("p", {}, of.text)] : [])),
    element("p", { className: "stamp" }, element("time", { dateTime: of?.created_at ?? "" }, of ? "21 Nov, 10:00" : ""), element("span", { data: { ticks: "" } })),
  );
}

const line = (name) => element("li", { className: `line ${name}` }, element("span", {}, name));
const templates = {
  message: row(),
  notice: element("li", { className: "told" }, element("span", { data: { text: "" } })),
  card: element("li", { className: "care" },
    element("h2", { data: { title: "" } }), element("div", { data: { text: "" } }),
    element("ul", { data: { ways: "" } }, element("li", {}, element("a", { className: "way" }, element("span", {}, element("strong"), element("span"))))),
    element("p", {}, element("span", { data: { danger: "" } }), element("a", { data: { number: "" } }), "."),
  ),
  day: line("day"),
  unread: line("unread"),
  stopped: line("stopped"),
  told: element("li", { className: "told" }),
  failed: element("li", { className: "message" }),
  cut: element("li", { className: "message" }),
  reply: element("li", { className: "message reply" }, element("span", { data: { text: "" } })),
  unsent: element("p", { data: { again: "" } }),
  unchecked: element("div", { data: { again: "" } }),
  thread: element("li", { className: "thread" },
    element("a", {}, element("img", {}), element("span", { data: { name: "" } }), element("time", { data: { time: "" } }), element("span", { data: { preview: "" } }), element("span", { data: { unread: "" } }))),
};

export const words = {
  name: "Mara", you: "You", writing: "Writing a reply…", typing: "Mara is typing", long: "Full reply in the conversation",
  sent: "Sent", delivered: "Delivered", sending: "Sending", waiting: "Sends later", held: "Sends when Mara has finished", failed: "Not sent.",
  failedSaid: "Message not sent. Retry or delete.", uncheckedSaid: "We couldn’t check your browser.", broken: "Mara’s reply was cut off. Try again", couldnt: "Mara couldn’t reply just now. Try again",
  full: "{n} messages are waiting already.", sorry: "That didn’t get through.", one: "{n} free message left", many: "{n} free messages left", none: "No free messages left", oneRefills: "It doesn’t refill.", manyRefill: "They don’t refill.",
  out: "That was your last free message with Mara.", heldSaid: "Sends when Mara has finished", stopped: "You stopped this reply",
  premium: "Premium is on.", ended: "Premium has ended.", copied: "Copied",
};

/* What localStorage does: its keys are its own properties. */
function storage() {
  const data = {};
  const deeds = { getItem: (key) => data[key] ?? null, setItem: (key, value) => (data[key] = String(value)), removeItem: (key) => delete data[key] };
  return Object.defineProperties(data, Object.fromEntries(Object.entries(deeds).map(([name, value]) => [name, { value }])));
}

/** Make `globalThis` a page; give what tests turn: `frames` waiting to be drawn, whether it is `hidden`. */
export function open() {
  const document = Object.assign(new EventTarget(), {
    hidden: false,
    title: "Mara",
    documentElement: element("html", { lang: "en" }),
    body: element("body"),
    createElement: (tag) => element(tag),
    getElementById: (id) => ({ content: { firstElementChild: templates[id.replace("chat-", "")] } }),
    querySelectorAll: (selector) => document.body.querySelectorAll(selector),
    querySelector: (selector) => document.body.querySelector(selector),
  });
  const world = { document, frames: [], posted: [] };
  const every = globalThis.setInterval;
  globalThis.setInterval = (...what) => every(...what).unref(); // nobody waits for what comes again and again
  Object.assign(globalThis, {
    document,
    Text: FakeText,
    requestAnimationFrame: (draw) => world.frames.push(draw),
    cancelAnimationFrame: () => {},
    ResizeObserver: class { observe() {} },
    IntersectionObserver: class { observe() {} },
    matchMedia: () => ({ matches: false }),
    reportError: (error) => { throw error; },
    CSS: { supports: () => true },
    addEventListener: () => {},
    innerHeight: 800,
    location: { protocol: "http:", host: "here", reload: () => (world.reloaded = true) },
    localStorage: storage(),
    sessionStorage: storage(),
    DOMParser: class { parseFromString(html) { return { body: element("body", {}, html.replace(/<[^>]*>/g, "")) }; } },
  });
  world.frame = () => world.frames.splice(0).forEach((draw) => draw());
  world.hide = (hidden) => {
    document.hidden = hidden;
    document.dispatchEvent(new Event("visibilitychange"));
  };
  return world;
}

/** An event that something happened at `target`, as handlers see it that were added further up. */
export const event = (name, over = {}) => Object.defineProperties(new Event(name, { cancelable: true }), Object.fromEntries(Object.entries(over).map(([key, value]) => [key, { value }])));
