/** Where files come from: dropped, with the folders among them opened; pasted; chosen. */
const HIDDEN = /^(\.|Thumbs\.db$|desktop\.ini$)/i; // what systems leave in folders
const MOST = 1000;

/** Files of a drop; those in folders too. The drop is asked at once: it knows nothing any more after the event. */
export function dropped({ items, files }) {
  const entries = [...(items ?? [])].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return Promise.resolve([...files]);
  return walk(entries);
}

async function walk(entries) {
  const found = [];
  const waiting = [...entries];
  while (waiting.length && found.length < MOST) {
    const entry = waiting.shift();
    if (entry.isDirectory) waiting.unshift(...(await children(entry)));
    else if (!HIDDEN.test(entry.name)) {
      const file = await new Promise((resolve) => entry.file(resolve, () => resolve(null)));
      if (file) found.push(file);
    }
  }
  return found;
}

/* A folder is read in parts, until one is empty. */
async function children(folder) {
  const reader = folder.createReader();
  const all = [];
  for (;;) {
    const part = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (!part.length) return all.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
    all.push(...part);
  }
}

/** Files on the clipboard: a copied picture, or copied files. */
export const pasted = (event) => [...(event.clipboardData?.files ?? [])];

export const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

/** Where typing is, a paste is text. */
export const isWriting = (element) => Boolean(element?.closest?.("input:not([type=checkbox], [type=file]), textarea, [contenteditable]"));
