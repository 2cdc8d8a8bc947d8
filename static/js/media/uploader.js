/**
 * <media-uploader>: puts up files for one purpose. The markup is templates/media/_uploader.html. Tells who listens, by
 * events that bubble: "uploaded" {upload, name} when a file is ready, "edit" {upload} when somebody wants to go on with it.
 */
import * as api from "./api.js";
import { dropped, hasFiles, isWriting, pasted } from "./picking.js";
import { Queue, bytes, heading } from "./queue.js";
import { drawThumb } from "./thumbs.js";

const SILENCE = 1_200; // ms, in which what happens is said in one sentence
const WORDS = { waiting: "Waiting", checking: "Being made ready…", cancelled: "Cancelled" };

class MediaUploader extends HTMLElement {
  connectedCallback() {
    if (this.queue) return;
    const { purpose, target } = this.dataset;
    const goal = JSON.parse(target || "{}");
    this.queue = new Queue({ ...api, askFor: (file, signal) => api.askFor(purpose, goal, file, signal) });
    this.rows = new Map();
    this.news = { ready: [], wrong: [], added: 0 };
    this.find = (name) => this.querySelector(`[data-${name}]`);
    this.#listenToPeople();
    this.#listenToTheQueue();
  }

  /** Put up these files; a place for one takes the first. */
  add(files) {
    const several = this.dataset.multiple !== undefined;
    const taken = several ? [...files] : [...files].slice(0, 1);
    if (!taken.length) return;
    if (!several) {
      this.queue.cancelAll();
      this.queue.clear();
    }
    this.queue.add(taken);
  }

  #listenToPeople() {
    const input = this.find("input");
    this.find("choose-files").addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      this.add(input.files);
      input.value = ""; // the same file may be chosen again
    });
    const place = this.dataset.everywhere !== undefined ? document : this;
    const zone = this.find("zone");
    let inside = 0; // dragenter and dragleave come for every element on the way
    const light = (on) => zone.classList.toggle("over", on);
    place.addEventListener("dragenter", (event) => hasFiles(event) && light((inside += 1)));
    place.addEventListener("dragleave", (event) => hasFiles(event) && (inside = Math.max(0, inside - 1)) === 0 && light(false));
    place.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
    place.addEventListener("drop", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      light((inside = 0));
      dropped(event.dataTransfer).then((files) => this.add(files));
    });
    place.addEventListener("paste", (event) => {
      const files = pasted(event);
      if (!files.length || isWriting(event.target)) return;
      event.preventDefault();
      this.add(files);
    });
    // What misses the place would be opened by the browser, instead of the page.
    for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => hasFiles(event) && event.preventDefault());
    addEventListener("beforeunload", (event) => this.queue.isSending && event.preventDefault());
    this.find("cancel-all").addEventListener("click", () => this.#keepFocus(() => this.queue.cancelAll()));
    this.find("clear").addEventListener("click", () => this.#keepFocus(() => this.queue.clear()));
    this.find("go-on").addEventListener("click", () => this.queue.goOn());
  }

  #listenToTheQueue() {
    this.queue.addEventListener("added", ({ jobs }) => {
      const rows = document.createDocumentFragment();
      for (const job of jobs) rows.append(this.#row(job));
      this.find("rows").append(rows);
      this.#say({ added: jobs.length });
      this.#draw(jobs);
    });
    this.queue.addEventListener("changed", ({ jobs }) => this.#draw(jobs));
    this.queue.addEventListener("removed", ({ jobs }) => {
      for (const job of jobs) this.#forget(job);
      this.#draw([]);
    });
    this.queue.addEventListener("ready", ({ jobs: [job] }) => {
      this.dispatchEvent(new CustomEvent("uploaded", { bubbles: true, detail: { upload: job.upload, name: job.name } }));
    });
  }

  #row(job) {
    const row = this.querySelector("template[data-row]").content.firstElementChild.cloneNode(true);
    const find = (name) => row.querySelector(`[data-${name}]`);
    find("name").textContent = job.name;
    for (const of of row.querySelectorAll("[data-of]")) of.textContent = ` ${job.name}`;
    const isVideo = job.file.type.startsWith("video/");
    row.querySelector('[data-kind="image"]').hidden = isVideo;
    row.querySelector('[data-kind="video"]').hidden = !isVideo;
    find("cancel").addEventListener("click", () => this.#keepFocus(() => this.#dismiss(job)));
    find("retry").addEventListener("click", () => this.queue.retry(job));
    find("edit").addEventListener("click", () => this.dispatchEvent(new CustomEvent("edit", { bubbles: true, detail: { upload: job.upload } })));
    drawThumb(job.file, find("thumb"));
    this.rows.set(job.id, row);
    return row;
  }

  #dismiss(job) {
    this.queue.cancel(job);
    this.queue.jobs = this.queue.jobs.filter((other) => other !== job);
    this.#forget(job);
    this.#draw([]);
  }

  #forget(job) {
    this.rows.get(job.id)?.remove();
    this.rows.delete(job.id);
  }

  #draw(jobs) {
    for (const job of jobs) if (this.rows.has(job.id)) this.#drawRow(this.rows.get(job.id), job);
    const { jobs: all, isPaused } = this.queue;
    this.find("list").hidden = !all.length;
    this.find("heading").textContent = heading(all);
    const going = all.some(({ state }) => ["waiting", "sending", "checking"].includes(state));
    this.find("cancel-all").hidden = !going;
    this.find("clear").hidden = going;
    this.find("signed-out").hidden = !isPaused;
  }

  #drawRow(row, job) {
    const { state, words } = job;
    const find = (name) => row.querySelector(`[data-${name}]`);
    const wrong = state === "refused" || state === "failed";
    if (row.dataset.is !== state) {
      row.dataset.is = state;
      find("bar").hidden = state !== "sending";
      find("edit").hidden = state !== "ready" || this.dataset.multiple === undefined;
      find("retry").hidden = state !== "failed";
      find("cancel").hidden = state === "ready" && !find("edit").hidden;
      find("cancel-word").textContent = wrong || state === "ready" ? "Take off the list:" : "Cancel";
      row.querySelector('[data-mark="ready"]').hidden = state !== "ready";
      row.querySelector('[data-mark="wrong"]').hidden = !wrong;
      if (state === "ready") this.#say({ ready: job.name });
      if (wrong) this.#say({ wrong: `${job.name}: ${words}` });
    }
    const ready = this.dataset.multiple === undefined ? "Ready" : "Ready, add a caption";
    find("state").textContent = state === "ready" ? ready : words || WORDS[state] || "";
    find("bytes").textContent = ["waiting", "sending"].includes(state) ? bytes(job.loaded, job.size) : "";
    find("bar").value = job.size ? job.loaded / job.size : 0;
    find("bar").setAttribute("aria-label", `${job.name}, sent`);
  }

  /* One sentence for what happens within a moment: two hundred files are not read out one by one. */
  #say({ added = 0, ready, wrong }) {
    this.news.added += added;
    if (ready) this.news.ready.push(ready);
    if (wrong) this.news.wrong.push(wrong);
    this.saying ??= setTimeout(() => {
      const { news } = this;
      const some = (list, words) => (list.length === 1 ? `${list[0]}${words}.` : `${list.length} files${words}.`);
      const said = [
        news.added && `${news.added} file${news.added === 1 ? "" : "s"} added.`,
        news.ready.length && some(news.ready, news.ready.length === 1 ? " is ready" : " are ready"),
        news.wrong.length && (news.wrong.length < 4 ? news.wrong.join(" ") : `${news.wrong.length} files were not taken.`),
      ];
      this.find("say").textContent = said.filter(Boolean).join(" ");
      this.news = { ready: [], wrong: [], added: 0 };
      this.saying = undefined;
    }, SILENCE);
  }

  /* A button that goes takes the focus along: then it is where files are chosen. */
  #keepFocus(deed) {
    const had = this.contains(document.activeElement);
    deed();
    if (had && (!this.contains(document.activeElement) || document.activeElement.closest("[hidden]"))) this.find("choose-files").focus();
  }
}

customElements.define("media-uploader", MediaUploader);
