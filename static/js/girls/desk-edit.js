/** The dialog for what is written on one item: opened from its tile, saved for itself, and on to the next if one likes. */
import { call } from "../media/api.js";
import { toast } from "../site/toasts.js";

export function mount(dialog, tiles) {
  const form = dialog.querySelector("[data-form]");
  const find = (name) => dialog.querySelector(`[data-${name}]`);
  let id = null;

  function open(tile) {
    id = tile.dataset.tile;
    const written = JSON.parse(tile.dataset.written);
    for (const [name, value] of Object.entries(written)) {
      const field = form.elements[name];
      if (field.type === "checkbox") field.checked = value;
      else field.value = value;
    }
    find("preview").src = tile.dataset.full;
    find("preview").alt = written.text || "No caption yet";
    find("next").hidden = !next(tile);
    wrong({});
    if (!dialog.open) dialog.showModal();
    form.elements.text.focus();
  }

  const next = (tile) => tile?.nextElementSibling;

  function wrong(fields, words = "") {
    find("error").hidden = !words;
    find("error").querySelector("[data-words]").textContent = words;
    let first = null;
    for (const place of dialog.querySelectorAll("[data-error-of]")) {
      const said = (fields[place.dataset.errorOf] ?? []).join(" ");
      const field = form.elements[place.dataset.errorOf];
      place.hidden = !said;
      place.querySelector("[data-words]").textContent = said;
      if (said) {
        field.setAttribute("aria-invalid", "true");
        field.setAttribute("aria-describedby", place.id);
        first ??= field;
      } else {
        field.removeAttribute("aria-invalid");
        field.removeAttribute("aria-describedby");
      }
    }
    first?.focus();
  }

  async function save(andNext) {
    const buttons = form.querySelectorAll("button");
    for (const button of buttons) button.disabled = true;
    try {
      tiles.show(await call(`${id}/`, new FormData(form)));
      const tile = tiles.of(id);
      const after = andNext && next(tile);
      if (after) {
        open(after);
        tiles.say("Saved. This is the next one.");
      } else {
        dialog.close();
        tile.querySelector("[data-edit]").focus();
        toast("Saved.");
      }
    } catch (trouble) {
      failed(trouble);
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  }

  function failed(trouble) {
    if (trouble.fields) {
      const { __all__: all = [], ...fields } = trouble.fields;
      wrong(fields, all.join(" "));
    } else if (trouble.status === 404) {
      dialog.close();
      tiles.remove([id]);
      toast("Somebody has deleted this item meanwhile.", "circle-alert");
    } else {
      const words = { later: "That didn’t get through. Try again.", "signed-out": "You’re signed out. Sign in in another tab, then save again." };
      wrong({}, words[trouble.kind] ?? trouble.message);
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    save(event.submitter?.dataset.next !== undefined);
  });
  find("delete")?.addEventListener("click", () => {
    dialog.close();
    tiles.act("delete", [Number(id)]);
  });
  dialog.addEventListener("close", () => tiles.of(id)?.querySelector("[data-edit]").focus());
  tiles.list.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-edit]");
    if (opener) open(opener.closest("[data-tile]"));
  });
  return { open };
}
