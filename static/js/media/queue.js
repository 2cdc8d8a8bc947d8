/**
 * Files on their way: so many at a time, again when the line fails, and asked about until they are ready. Knows no page
 * and no network: `doors` are those of api.js, `clock` gives what waits.
 *
 * A job is {id, file, name, size, state, loaded, words, upload}. States: "waiting", "sending", "checking" (it has come, and
 * is made ready), then "ready", "refused" (it will not be taken), "failed" (it may be tried again) or "cancelled".
 */
const PARALLEL = 3;
const PAUSES = [1, 2, 4, 8, 15, 15, 30, 30]; // seconds, then it has failed
const SOON = 800; // ms until it is asked how files stand, at first
const LATE = 8_000; // and at most
const AT_ONCE = 50; // in one question
const OVER = new Set(["ready", "refused", "failed", "cancelled"]);
const LOST = "The connection was lost. Try again.";

const clock = {
  wait: (ms, signal) =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      const now = () => { clearTimeout(timer); resolve(); };
      signal?.addEventListener("abort", now, { once: true });
      globalThis.addEventListener?.("online", now, { once: true });
    }),
  jitter: () => 0.75 + Math.random() / 2,
};

export class Queue extends EventTarget {
  jobs = [];
  isPaused = false;
  #doors;
  #clock;
  #numbers = 0;
  #isAsking = false;

  constructor(doors, time = clock) {
    super();
    this.#doors = doors;
    this.#clock = time;
  }

  /** Put files on their way. Answers their jobs. */
  add(files) {
    const jobs = [...files].map((file) => ({ id: ++this.#numbers, file, name: file.name || "Pasted picture", size: file.size, state: "waiting", loaded: 0, words: "", upload: null }));
    this.jobs.push(...jobs);
    this.#tell("added", jobs);
    this.#next();
    return jobs;
  }

  cancel(job) {
    if (job.state === "ready" || job.state === "cancelled") return;
    job.abort?.abort();
    if (job.upload) this.#doors.cancel(job.upload).catch(() => {}); // it is swept some day
    this.#become(job, "cancelled");
    this.#next();
  }

  cancelAll() {
    for (const job of this.jobs) if (!OVER.has(job.state)) this.cancel(job);
  }

  /** Try once more what failed. */
  async retry(job) {
    if (job.state !== "failed") return;
    if (!job.isThere) {
      this.#become(job, "waiting");
      return this.#next();
    }
    this.#become(job, "checking");
    try {
      this.#heard(job, await this.#doors.retry(job.upload));
    } catch (trouble) {
      this.#become(job, "failed", trouble.message || LOST);
    }
    this.#watch();
  }

  /** Forget those that are over. */
  clear() {
    const over = this.jobs.filter((job) => OVER.has(job.state));
    this.jobs = this.jobs.filter((job) => !OVER.has(job.state));
    this.#tell("removed", over);
  }

  /** Go on, after somebody signed in again. */
  goOn() {
    this.isPaused = false;
    this.#tell("changed", []);
    this.#next();
    this.#watch();
  }

  get isSending() {
    return this.jobs.some(({ state }) => state === "waiting" || state === "sending");
  }

  #next() {
    if (this.isPaused) return;
    let free = PARALLEL - this.jobs.filter(({ state }) => state === "sending").length;
    for (const job of this.jobs) {
      if (free < 1) return;
      if (job.state !== "waiting") continue;
      free -= 1;
      this.#become(job, "sending");
      this.#bring(job);
    }
  }

  async #bring(job) {
    const { signal } = (job.abort = new AbortController());
    try {
      await this.#patiently(job, signal, () => this.#once(job, signal));
    } catch (trouble) {
      if (signal.aborted) return; // it was given up, and said so
      if (trouble.kind === "signed-out") {
        this.isPaused = true;
        this.#become(job, "waiting");
      } else if (trouble.kind === "final") this.#become(job, trouble.code === "bad_upload" ? "refused" : "failed", trouble.message);
      else this.#become(job, "failed", LOST);
    }
    this.#next();
  }

  /* All of it, from what has been done already. */
  async #once(job, signal) {
    if (!job.isSent) {
      const former = job.upload;
      const asked = await this.#doors.askFor(job.file, signal);
      job.upload = asked.upload.id;
      if (former) this.#doors.cancel(former).catch(() => {});
      await this.#doors.send(asked, job.file, (part) => {
        job.loaded = Math.round(part * job.size);
        job.words = "";
        this.#tell("changed", [job]);
      }, signal);
      job.isSent = true;
    }
    try {
      const upload = await this.#doors.complete(job.upload, signal);
      job.isThere = true;
      this.#heard(job, upload);
    } catch (trouble) {
      if (trouble.kind === "again") job.isSent = false;
      throw trouble;
    }
    this.#watch();
  }

  async #patiently(job, signal, deed) {
    for (let tries = 0; ; tries += 1) {
      try {
        return await deed();
      } catch (trouble) {
        const hopeless = !["later", "again"].includes(trouble.kind) || tries >= PAUSES.length;
        if (signal.aborted || hopeless) throw trouble;
        job.words = trouble.wait ? "Waiting for our server…" : "Waiting for the connection…";
        this.#tell("changed", [job]);
        await this.#clock.wait(Math.max(trouble.wait, PAUSES[tries] * 1000 * this.#clock.jitter()), signal);
        if (signal.aborted) throw trouble;
        job.words = "";
      }
    }
  }

  /* One question for all that are being made ready, again and again, more seldom while nothing changes. */
  async #watch() {
    if (this.#isAsking) return;
    this.#isAsking = true;
    let pause = SOON;
    try {
      for (;;) {
        await this.#clock.wait(pause);
        const checking = this.jobs.filter(({ state }) => state === "checking");
        if (!checking.length || this.isPaused) return;
        const changed = await this.#ask(checking).catch((trouble) => {
          if (trouble.kind === "signed-out") this.isPaused = true;
          return false;
        });
        if (this.isPaused) return this.#tell("changed", []);
        pause = changed ? SOON : Math.min(pause * 1.5, LATE);
      }
    } finally {
      this.#isAsking = false;
    }
  }

  async #ask(checking) {
    let changed = false;
    for (let at = 0; at < checking.length; at += AT_ONCE) {
      const part = checking.slice(at, at + AT_ONCE);
      const found = new Map((await this.#doors.states(part.map(({ upload }) => upload))).map((upload) => [upload.id, upload]));
      for (const job of part) if (job.state === "checking") changed = this.#heard(job, found.get(job.upload) ?? { state: "gone" }) || changed;
    }
    return changed;
  }

  /* What the server says of a job's upload. Answers whether that is news. */
  #heard(job, { state, error }) {
    const becomes = { arrived: "checking", ready: "ready", refused: "refused", failed: "failed" }[state];
    if (state === "issued" || becomes === job.state) return false;
    if (!becomes) job.isThere = job.isSent = false; // given up elsewhere: from the beginning, then
    this.#become(job, becomes ?? "failed", becomes ? error : "This upload is gone. Try again.");
    return true;
  }

  #become(job, state, words = "") {
    if (job.state === "cancelled") return;
    Object.assign(job, { state, words: words || "" });
    if (state === "waiting") job.loaded = 0;
    this.#tell("changed", [job]);
    if (state === "ready") this.#tell("ready", [job]);
  }

  #tell(name, jobs) {
    this.dispatchEvent(Object.assign(new Event(name), { jobs }));
  }
}

/** The list's heading, for the jobs that were not given up. */
export function heading(jobs) {
  const all = jobs.filter(({ state }) => state !== "cancelled");
  const count = (...states) => all.filter(({ state }) => states.includes(state)).length;
  const [going, checking] = [count("waiting", "sending"), count("checking")];
  if (going) return `Uploading ${going} of ${all.length}`;
  if (checking) return `Making ${checking} of ${all.length} ready`;
  const [ready, wrong] = [count("ready"), count("refused", "failed")];
  return [ready && `${ready} ready`, wrong && `${wrong} not taken`].filter(Boolean).join(", ") || "Nothing to upload";
}

const UNITS = [[1024 * 1024, "MB"], [1024, "KB"]];

/** "3.1 of 4.8 MB", or "4.8 MB" before anything is sent. */
export function bytes(loaded, size) {
  const [unit, name] = UNITS.find(([unit]) => size >= unit) ?? [1, "bytes"];
  const digits = unit === 1 || size / unit >= 20 ? 0 : 1;
  const show = (number) => (number / unit).toFixed(digits);
  return loaded ? `${show(loaded)} of ${show(size)} ${name}` : `${show(size)} ${name}`;
}
