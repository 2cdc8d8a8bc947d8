/** A character's pages in the console: the tabs of her media, and her portrait and cover. */
import { call } from "../media/api.js";
import { toast } from "../site/toasts.js";
import { mount as mountEdit } from "./desk-edit.js";
import { mount as mountSort } from "./desk-sort.js";
import { Tiles } from "./desk-tiles.js";

const GATHER = 300; // ms: files that are ready at about the same time are shown by one question

function mountMedia(root) {
  const tiles = new Tiles(root);
  const edit = mountEdit(document.getElementById("edit"), tiles);
  const bar = root.querySelector("[data-moving]");
  if (bar) mountSort(tiles.list, bar, { save, say: (words) => tiles.say(words) });
  let fresh = [];
  let timer;

  async function save(ids) {
    try {
      await call("order/", { ids });
      return true;
    } catch (trouble) {
      tiles.fail(trouble);
      return false;
    }
  }

  /* Show the items of files that have become ready; a question that fails is asked again with the next. */
  async function gather() {
    timer = undefined;
    const files = fresh.splice(0, 50);
    if (!files.length) return;
    try {
      tiles.show(await call(`tiles/?files=${files.join(",")}`));
    } catch (trouble) {
      if (trouble.kind !== "later") return tiles.fail(trouble);
      fresh.unshift(...files);
    }
    if (fresh.length) timer ??= setTimeout(gather, GATHER * 10);
  }

  root.addEventListener("uploaded", ({ detail }) => {
    fresh.push(detail.upload);
    timer ??= setTimeout(gather, GATHER);
  });
  root.addEventListener("edit", async ({ detail }) => {
    const find = () => tiles.list.querySelector(`[data-file="${detail.upload}"]`);
    if (!find()) {
      fresh.unshift(detail.upload);
      await gather();
    }
    if (find()) edit.open(find());
    else toast("This item is gone. Somebody may have deleted it.", "circle-alert");
  });
}

function mountPictures(root) {
  const show = ({ pictures }) => {
    for (const { name, url, given } of pictures) {
      const place = root.querySelector(`[data-picture="${name}"]`);
      const image = place.querySelector("img");
      if (url) image.src = url;
      image.hidden = !url;
      place.querySelector(".desk-no-picture").hidden = Boolean(url);
      place.querySelector("[data-remove]").hidden = !given;
    }
  };
  const ask = (path, body) => call(path, body).then(show, (trouble) => {
    toast(trouble.kind === "later" ? "That didn’t get through. Try again." : trouble.message || "Reload the page and try again.", "circle-alert");
    return false;
  });
  root.addEventListener("uploaded", () => ask("../pictures/"));
  root.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-remove]");
    if (!button) return;
    const place = button.closest("[data-picture]");
    if ((await ask("../pictures/remove/", { name: place.dataset.picture })) === false) return;
    toast(`${place.querySelector("h3").textContent} removed.`);
    place.querySelector("[data-choose-files]").focus();
  });
}

for (const [name, mount] of [["desk", mountMedia], ["pictures", mountPictures]]) {
  for (const root of document.querySelectorAll(`[data-${name}]`)) mount(root);
}
