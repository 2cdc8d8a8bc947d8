/* The dialog that cuts a square out of a picture: by dragging and pinching, or by arrows and a slider. */
import { begin, moved, shown, zoomed } from "./crop.js";

const LARGEST = 1024; // pixels of what is sent; more would only be made smaller
const STEP = 0.1; // of what is shown, for each press of an arrow
const WHEEL = 0.0015;

/** Ask a person for the square. Answers it as a JPEG, or null when they would rather not. */
export function crop(dialog, picture) {
  const canvas = dialog.querySelector("[data-canvas]");
  const slider = dialog.querySelector("[data-zoom]");
  const context = canvas.getContext("2d");
  const over = new AbortController();
  const listen = (element, type, then, options) => element.addEventListener(type, then, { ...options, signal: over.signal });
  let view = begin(picture.width, picture.height);

  const draw = () => paint(context, picture, view, canvas.width);
  const change = (next) => {
    view = next;
    slider.value = view.zoom;
    draw();
  };

  const fingers = new Map();
  const apart = () => {
    const [one, two] = [...fingers.values()];
    return Math.hypot(one.x - two.x, one.y - two.y);
  };
  listen(canvas, "pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  });
  listen(canvas, "pointermove", (event) => {
    const was = fingers.get(event.pointerId);
    if (!was) return;
    const before = fingers.size === 2 && apart();
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (before) return change(zoomed(view, view.zoom * (apart() / before)));
    const width = canvas.getBoundingClientRect().width;
    if (fingers.size === 1) change(moved(view, (was.x - event.clientX) / width, (was.y - event.clientY) / width));
  });
  for (const type of ["pointerup", "pointercancel"]) listen(canvas, type, (event) => fingers.delete(event.pointerId));
  listen(canvas, "wheel", (event) => {
    event.preventDefault();
    change(zoomed(view, view.zoom * Math.exp(-event.deltaY * WHEEL)));
  }, { passive: false });
  listen(slider, "input", () => change(zoomed(view, Number(slider.value))));
  for (const button of dialog.querySelectorAll("[data-move]")) {
    const [across, down] = button.dataset.move.split(" ").map((way) => -Number(way) * STEP); // the photo goes there
    listen(button, "click", () => change(moved(view, across, down)));
  }

  change(view);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve, reject) => {
    listen(dialog, "close", () => {
      over.abort();
      if (dialog.returnValue !== "use") return resolve(null);
      cut(picture, view).then(resolve, reject);
    });
  });
}

function cut(picture, view) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = Math.min(LARGEST, Math.max(1, Math.round(shown(view).side)));
  paint(canvas.getContext("2d"), picture, view, canvas.width);
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/jpeg", 0.9));
}

function paint(context, picture, view, size) {
  const { left, top, side } = shown(view);
  context.fillStyle = "#fff"; // behind what is transparent: JPEG knows no such thing
  context.fillRect(0, 0, size, size);
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, left, top, side, side, 0, 0, size, size);
}
