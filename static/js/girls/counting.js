/** How long a text is, and about how many tokens that takes: beside its field, while one writes. */

const CHARACTERS_A_TOKEN = 4; // as girls/admin_forms.py counts

const number = (n) => n.toLocaleString("en");

/** The sentence about a text; `{n}`, `{most}` and `{tokens}` are its numbers. */
export function counted(text, most, words) {
  const length = [...text.replaceAll("\r\n", "\n")].length;
  const tokens = Math.ceil(length / CHARACTERS_A_TOKEN);
  return words.replace("{n}", number(length)).replace("{most}", number(most)).replace("{tokens}", number(tokens));
}

export function mount(root) {
  for (const place of root.querySelectorAll("[data-length-of]")) {
    const field = root.getElementById(place.dataset.lengthOf);
    if (!field) continue;
    const count = () => (place.textContent = counted(field.value, Number(place.dataset.most), place.dataset.words));
    field.addEventListener("input", count);
    if (field.value !== field.defaultValue) count(); // somebody wrote before this script was there, or came back
  }
}

if (globalThis.document) mount(document);
