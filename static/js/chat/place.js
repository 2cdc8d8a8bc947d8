const NEAR = 64; // pixels from the bottom that still count as being there
const AWAY = 160; // and so many are worth a way back
const UPWARD = new Set(["ArrowUp", "PageUp", "Home"]);

/**
 * Where the reader is: at the end, which then stays in view, or somewhere above, where nothing moves. `seen()` is called
 * when the reader may have seen something new, `older()` when what is above is needed: it resolves to how to show it.
 */
export class Place {
  pinned = true;
  #jumping = false;
  #top = 0;
  #arrival;
  #loading = false;
  #news = false; // there is something below that was not seen

  constructor({ box, list, pill, input, seen, older }) {
    Object.assign(this, { box, list, pill, input, seen, older });
    const on = (name, act) => box.addEventListener(name, act, { passive: true });
    const leave = () => {
      if (box.scrollTop <= 0) return; // there is nothing above
      this.#jumping = false;
      this.pinned = false;
    };
    on("scroll", () => {
      const up = box.scrollTop < this.#top - 1;
      this.#top = box.scrollTop;
      if (this.#jumping) return;
      if (up && this.#distance() > 1) this.pinned = false;
      else if (!up && this.#distance() <= NEAR) this.pinned = true;
      if (this.pinned) this.#arrive();
      else this.#offer();
      this.load();
    });
    on("scrollend", () => this.#jumping && this.#arrive());
    on("wheel", (event) => event.deltaY < 0 && leave());
    let touched = 0;
    on("touchstart", (event) => (touched = event.touches[0].clientY));
    on("touchmove", (event) => event.touches[0].clientY > touched + 4 && leave());
    on("keydown", (event) => UPWARD.has(event.key) && leave());
    const keep = new ResizeObserver(() => this.pinned && !this.#jumping && this.#scroll(box.scrollHeight));
    keep.observe(box);
    keep.observe(list);
    pill.addEventListener("click", () => this.jump());
  }

  /** To the newest message. */
  jump() {
    this.pinned = true;
    const { box } = this;
    const way = this.#distance();
    const smooth = way < 2 * box.clientHeight && !matchMedia("(prefers-reduced-motion: reduce)").matches;
    // A smooth jump scrolls like a reader would: until it has arrived, scrolling means nothing.
    this.#jumping = smooth && way > 0;
    box.scrollTo({ top: box.scrollHeight, behavior: smooth ? "smooth" : "instant" });
    clearTimeout(this.#arrival);
    this.#arrival = setTimeout(() => this.#arrive(), 1_000);
    this.input.focus({ preventScroll: true });
    this.#news = false;
    this.pill.hidden = true;
  }

  /** Where a conversation opens: at `divider`, its first unread message, else at its end. */
  open(divider) {
    const { box } = this;
    this.#scroll(box.scrollHeight);
    const away = divider ? box.getBoundingClientRect().bottom - divider.getBoundingClientRect().top : 0;
    if (away > box.clientHeight) {
      this.#scroll(box.scrollTop - away + box.clientHeight - 8);
      this.pinned = this.#distance() <= NEAR;
    }
    this.#offer(!this.pinned);
    this.seen();
    this.load();
  }

  /** Something changed; `news`: it is to be read. */
  follow(news) {
    if (this.pinned) {
      if (!this.#jumping) this.#scroll(this.box.scrollHeight);
      this.seen();
    } else this.#offer(Boolean(news));
  }

  /** Load what is above, if the reader comes near it. What is being read stays where it is. */
  async load() {
    const { box } = this;
    if (this.#loading || box.scrollTop >= box.clientHeight) return;
    this.#loading = true;
    const show = await this.older();
    this.#loading = false;
    if (!show) return;
    const below = box.scrollHeight - box.scrollTop;
    show();
    this.#scroll(box.scrollHeight - below);
    this.load();
  }

  #distance() {
    return this.box.scrollHeight - this.box.clientHeight - this.box.scrollTop;
  }

  #scroll(top) {
    this.box.scrollTop = top;
    this.#top = this.box.scrollTop;
  }

  /* The way down: to what is new, or from further up. */
  #offer(news = false) {
    this.#news ||= news;
    this.pill.hidden = !this.#news && this.#distance() < AWAY;
    const words = this.pill.querySelector("[data-pill]");
    const said = this.#news ? words.dataset.news : words.dataset.latest;
    if (words.textContent !== said) words.textContent = said;
  }

  #arrive() {
    this.#jumping = false;
    this.#news = false;
    this.pill.hidden = true;
    this.seen();
  }
}
