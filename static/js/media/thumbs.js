/** Small pictures of files that are not sent yet, one after the other: two hundred at once would fill the memory. */
const SIDE = 104; // twice of what is shown
const MOST = 40 * 1024 * 1024;

let before = Promise.resolve();

/** Draw a file into a place, in front of the drawing that is there; what the browser cannot read stays as it is. */
export function drawThumb(file, place) {
  if (!file.type.startsWith("image/") || file.size > MOST || !globalThis.createImageBitmap) return;
  before = before.then(() => (place.isConnected ? draw(file, place) : undefined)).catch(() => {});
}

async function draw(file, place) {
  const picture = await createImageBitmap(file, { resizeHeight: SIDE, resizeQuality: "medium" });
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  const zoom = Math.max(SIDE / picture.width, SIDE / picture.height);
  const [width, height] = [picture.width * zoom, picture.height * zoom];
  canvas.getContext("2d").drawImage(picture, (SIDE - width) / 2, (SIDE - height) / 2, width, height);
  picture.close();
  place.replaceChildren(canvas);
}
