/** The member's own picture: choose, crop, send with progress, and see it at once wherever it stands on the page. */
import { crop } from "./cropper.js";
import { NotUp, putUp, retry } from "./transport.js";

export function mount(root) {
  const part = (name) => root.querySelector(`[data-${name}]`);
  const [file, choose, sending, problem, saved] = ["file", "choose", "sending", "problem", "saved"].map(part);
  const details = root.querySelector("[data-details]");
  let cancel = null;
  let waiting = false; // the details are sent when the photo is up: to leave the page would end it

  details.addEventListener("input", () => saved.replaceChildren());
  details.addEventListener("submit", (event) => {
    if (!cancel) return;
    event.preventDefault();
    waiting = true;
    saved.replaceChildren("Saving when the photo is up …");
  });
  choose.addEventListener("click", () => {
    if (!cancel) file.click();
  });
  file.addEventListener("change", () => {
    const [chosen] = file.files;
    file.value = ""; // the same one may be chosen again
    if (chosen) begin(chosen);
  });
  part("cancel").addEventListener("click", () => cancel?.abort());

  async function begin(chosen) {
    clear();
    const picture = await createImageBitmap(chosen).catch(() => null);
    if (!picture) return send(chosen, chosen.name); // HEIC, mostly: the server cuts it, from the middle
    const square = await crop(document.getElementById("crop"), picture).catch(() => chosen);
    picture.close();
    if (square) send(square, chosen.name);
  }

  function clear() {
    problem.replaceChildren();
    saved.replaceChildren();
  }

  function send(blob, name) {
    const onProgress = (share) => show(`Uploading ${name}`, Math.round(share * 100));
    const onSent = () => show("Making it ready …", 100);
    onProgress(0);
    go(name, blob, (signal) => putUp(blob, { purpose: root.dataset.purpose, name, signal, onProgress, onSent }));
  }

  async function go(name, blob, deed) {
    clear();
    cancel = new AbortController();
    const { signal } = cancel;
    choose.setAttribute("aria-disabled", "true"); // and not `disabled`, which would drop the focus
    sending.hidden = false;
    let trouble = null;
    waiting = false;
    try {
      const { id } = await deed(signal);
      wear(id);
      if (!waiting) say("Saved");
    } catch (error) {
      if (!signal.aborted) trouble = error;
    }
    const hadFocus = sending.contains(document.activeElement);
    sending.hidden = true;
    choose.removeAttribute("aria-disabled");
    cancel = null;
    if (hadFocus) choose.focus();
    if (waiting && !trouble && !signal.aborted) return details.requestSubmit();
    if (waiting) saved.replaceChildren();
    if (trouble) complain(trouble, name, blob);
  }

  function show(words, percent) {
    part("sending-words").textContent = words;
    part("percent").textContent = `${percent}%`;
    part("progress").value = percent;
  }

  function say(words) {
    const icon = document.getElementById("toast").content.querySelector(".icon").cloneNode(true);
    icon.classList.add("sm");
    saved.replaceChildren(icon, words);
  }

  function complain(error, name, blob) {
    const known = error instanceof NotUp;
    if (!known) reportError(error);
    const words = document.getElementById("problem").content.cloneNode(true);
    words.querySelector("[data-words]").textContent = known ? error.message : "That didn’t work. Try again.";
    const again = words.querySelector("[data-again]");
    if (known && !error.again) again.remove();
    again.addEventListener("click", () => {
      if (error.upload) {
        show("Making it ready …", 100);
        go(name, blob, (signal) => retry(error.upload.id, { signal }));
      } else send(blob, name);
      part("cancel").focus();
    });
    problem.replaceChildren(words);
  }

  function wear(id) {
    for (const [old, size] of [[root.querySelector(".avatar"), "full"], [document.querySelector(".menu-avatar .avatar"), "thumb"]]) {
      const image = Object.assign(document.createElement("img"), { className: old.className, alt: "", width: 40, height: 40 });
      image.src = `/media/${id}/${size}`;
      old.replaceWith(image);
    }
    part("choose-words").textContent = "Change photo";
    part("remove").hidden = false;
  }
}

mount(document.querySelector("[data-avatar-form]"));
