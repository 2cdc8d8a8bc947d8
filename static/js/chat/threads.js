import { UNREAD, show } from "../site/unread.js";
import { isWriting, unreadThreads } from "./state.js";
import { kept } from "../site/device.js";
import { fold } from "../site/text.js";
import { mount as mountSearch } from "./search.js";
import { brief, onNewDay } from "./times.js";

/** The thread list: rows, search, more of them on the way down. `more()` loads the next page. */
export class Threads {
  #rows = new Map();
  #elsewhere = 0; // what was found in messages

  constructor(root, { current, more, ask }) {
    this.list = root.querySelector("[data-thread-list]");
    this.more = root.querySelector("[data-more]");
    this.search = root.querySelector("[data-search] input");
    this.none = root.querySelector("[data-none]");
    this.current = current;
    this.words = this.list.dataset;
    for (const row of this.list.children) this.#rows.set(row.dataset.thread, row);
    this.search.addEventListener("input", () => this.#filter());
    const look = mountSearch({
      root,
      ask,
      hear: (count) => {
        this.#elsewhere = count;
        this.#filter();
      },
    });
    const opener = root.querySelector("[data-search-open]");
    opener.addEventListener("click", () => {
      const open = root.classList.toggle("searching");
      opener.setAttribute("aria-expanded", String(open));
      if (open) return this.search.focus();
      this.search.value = "";
      this.#filter();
      look();
    });
    this.more.addEventListener("click", more);
    new IntersectionObserver(([seen]) => seen.isIntersecting && !this.more.hidden && more()).observe(this.more);
  }

  draw({ threads, moreThreads }, writing) {
    let at = this.list.firstElementChild;
    const here = new Set(threads.map((thread) => thread.conversation));
    for (const [id, row] of this.#rows) {
      if (here.has(id)) continue;
      if (row === at) at = at.nextElementSibling;
      row.remove();
      this.#rows.delete(id);
    }
    for (const thread of threads) {
      let row = this.#rows.get(thread.conversation);
      if (!row) {
        row = document.getElementById("chat-thread").content.firstElementChild.cloneNode(true);
        this.#rows.set(thread.conversation, row);
      }
      this.#row(row, thread, thread.conversation === this.current ? writing : thread.typing);
      if (row === at) at = at.nextElementSibling;
      else this.list.insertBefore(row, at);
    }
    this.more.hidden = !moreThreads;
    this.#filter();
  }

  #row(row, thread, typing) {
    const { conversation, girl, preview, last_message_at, unread } = thread;
    const put = (name, words) => {
      const part = row.querySelector(`[data-${name}]`);
      if (part.textContent !== words) part.textContent = words;
    };
    row.dataset.thread = conversation;
    const link = row.querySelector("a");
    link.href = `/chat/${conversation}/`;
    link.id = `thread-${conversation}`;
    const avatar = row.querySelector("img");
    if (avatar.getAttribute("src") !== girl.avatar_url) avatar.src = girl.avatar_url;
    put("name", girl.name);
    put("preview", typing ? this.words.typing : preview || this.words.silent);
    put("time", brief(new Date(last_message_at)));
    row.querySelector("time").dateTime = last_message_at;
    row.classList.toggle("typing", typing);
    row.classList.toggle("unread", unread);
    row.querySelector("[data-unread]").hidden = !unread;
  }

  #filter() {
    const wanted = fold(this.search.value);
    let shown = 0;
    for (const row of this.list.children) {
      row.hidden = !fold(row.textContent).includes(wanted);
      shown += !row.hidden;
    }
    this.none.hidden = !wanted || shown > 0 || this.#elsewhere > 0;
  }
}

/** The list, and what of it shows elsewhere: how many threads hold something unread, in the title and in badges. */
export function mount({ store, net, root, id }) {
  const threads = new Threads(root, { current: id, more: () => net.threads(true), ask: (path) => net.ask(path) });
  const title = document.title;
  let drawn = {};
  onNewDay(() => {
    drawn = {};
    store.draw();
  });
  store.draws((state) => {
    const writing = isWriting(state);
    if (state.threads === drawn.threads && writing === drawn.writing) return;
    drawn = { threads: state.threads, writing };
    threads.draw(state, writing);
    const unread = unreadThreads(state);
    if (kept.getItem(UNREAD) !== String(unread)) kept.setItem(UNREAD, unread); // pages outside of the chat hear of it
    document.title = unread ? `(${unread}) ${title}` : title;
    show(unread);
  });
}
