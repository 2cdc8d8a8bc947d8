import PhotoSwipe from "../../vendor/photoswipe-5.4.4.esm.min.js";
import { again } from "./films.js";
import { counter, indexOf, slides } from "./slides.js";

const CONTROLS = 72; // the foot of a film belongs to its controls, the rest of it can be swiped
const NEAR = 2; // so many before the end the next ones are loaded

/** The pictures of a page, one at a time and whole. Gives what opens it at a link. */
export function mount(root, name) {
  let now = null; // the one that is open
  const items = () => slides(root.querySelector("#items"));
  root.addEventListener("htmx:afterSettle", () => now?.sync(items()));
  return (link) => {
    now ??= new Lightbox(root, name, items(), link.dataset.item, () => (now = null));
  };
}

class Lightbox {
  constructor(root, name, all, id, closed) {
    Object.assign(this, { root, name, closed });
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const swipe = (this.swipe = new PhotoSwipe({
      dataSource: all,
      index: indexOf(all, id),
      loop: false,
      bgOpacity: 1,
      mainClass: "lightbox",
      close: false,
      zoom: false,
      counter: false,
      returnFocus: false, // to where one is by then
      showHideAnimationType: still ? "none" : "zoom",
      paddingFn: ({ x }) => ({ top: 72, bottom: 88, left: x < 640 ? 0 : 72, right: x < 640 ? 0 : 72 }),
      errorMsg: "This photo didn’t load.",
      arrowPrevTitle: "Previous",
      arrowNextTitle: "Next",
    }));
    swipe.addFilter("thumbEl", (_, { thumb }) => (thumb.isConnected ? thumb : null));
    swipe.on("uiRegister", () => swipe.ui.registerElement({ name: "parts", appendTo: "root", onInit: (place) => this.#furnish(place) }));
    swipe.on("contentLoad", (event) => event.content.data.film && this.#film(event));
    swipe.on("contentDeactivate", ({ content }) => content.element?.querySelector?.("video")?.pause());
    swipe.on("pointerDown", (event) => isAtControls(event.originalEvent) && event.preventDefault());
    swipe.on("keydown", (event) => event.originalEvent.target.matches("video") && event.originalEvent.key !== "Escape" && event.preventDefault());
    swipe.on("change", () => this.#show());
    swipe.on("destroy", () => this.#end());
    swipe.init();
    if ("CloseWatcher" in window) {
      this.watcher = new CloseWatcher(); // a phone's Back closes it, and does not leave the page
      this.watcher.onclose = () => swipe.close();
    }
  }

  get current() {
    return this.swipe.currSlide.data;
  }

  /** The page shows other pictures than before: more of them, or without those that closed. */
  sync(all) {
    const { swipe } = this;
    const index = indexOf(all, this.current.id);
    if (index < 0) return swipe.close();
    for (let i = 0; i < swipe.getNumItems(); i++) swipe.contentLoader.removeByIndex(i);
    swipe.options.dataSource = all;
    swipe.currIndex = swipe.potentialIndex = swipe.currSlide.index = index;
    swipe.currSlide.data = all[index];
    swipe.refreshSlideContent(index - 1);
    swipe.refreshSlideContent(index + 1);
    this.#show();
  }

  #furnish(place) {
    const { swipe } = this;
    place.className = "lightbox-parts pswp__hide-on-close";
    place.append(document.getElementById("lightbox").content.cloneNode(true));
    place.querySelector("[data-close]").addEventListener("click", () => swipe.close());
    Object.assign(swipe.element, { ariaLabel: this.name, ariaModal: "true" });
    swipe.on("bindEvents", () => place.querySelector("[data-close]").focus({ preventScroll: true })); // after PhotoSwipe's own
    this.place = place;
  }

  #show() {
    const { place, current, swipe } = this;
    if (!place) return;
    const say = (part, words) => (place.querySelector(`[data-${part}]`).textContent = words);
    const list = this.root.querySelector("#items");
    say("counter", counter(current, Number(list.dataset.total)));
    say("caption", current.caption);
    place.querySelector("[data-made]").hidden = !current.ai;
    say("kind", current.film ? "video" : "photo");
    const tile = document.getElementById(`item-${current.id}`);
    const like = tile?.closest("li").querySelector("[data-like]");
    place.querySelector("[data-likes-here]").replaceChildren(...(like ? [like.cloneNode(true)] : []));
    const ask = place.querySelector("[data-ask]");
    ask.value = current.id;
    place.querySelector("[data-report]").href = `/report/media/${current.id}/`;
    ask.formAction = tile?.closest("li").querySelector("[name=about]")?.formAction ?? ask.formAction;
    if (swipe.currIndex >= swipe.getNumItems() - NEAR) this.root.querySelector("#load-more:not(.htmx-request)")?.click();
  }

  #film(event) {
    const { content } = event;
    event.preventDefault();
    const { film, msrc, alt, width, height } = content.data;
    const video = Object.assign(document.createElement("video"), { controls: true, playsInline: true, preload: "none", poster: msrc, src: film, ariaLabel: alt });
    video.addEventListener("error", () => again(video));
    video.style.aspectRatio = `${width} / ${height}`; // before anything of it is loaded
    content.element = Object.assign(document.createElement("div"), { className: "pswp__content lightbox-film" });
    content.element.append(video);
    content.onLoaded();
  }

  #end() {
    this.watcher?.destroy();
    this.closed();
    const tile = document.getElementById(`item-${this.current.id}`);
    (tile?.matches("a") ? tile : tile?.querySelector("[data-item]"))?.focus();
  }
}

function isAtControls({ target, clientY }) {
  return target.matches("video") && clientY > target.getBoundingClientRect().bottom - CONTROLS;
}
