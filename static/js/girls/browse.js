/** The catalogue's filters: search while typing, keep the chips in step with the answer, clean addresses. */
const PAUSE = 300; // ms after the last letter

export function mount(form) {
  const search = form.querySelector('input[type="search"]');
  const enter = form.querySelector("[data-keeps-mood]");
  let timer;
  let submitter;

  // Going back loads the page again, from the browser; htmx would keep copies of it in storage.
  Object.assign(window.htmx.config, { historyCacheSize: 0, refreshOnHistoryMiss: true });

  search.addEventListener("input", (event) => {
    clearTimeout(timer);
    if (!event.isComposing) timer = setTimeout(() => (form.requestSubmit ? form.requestSubmit(enter) : enter.click()), PAUSE);
  });
  form.addEventListener("submit", (event) => {
    clearTimeout(timer);
    submitter = event.submitter;
    form.querySelector("[popover]").hidePopover?.();
  });
  // What the form itself would send (a tag from the chip and one from the list), without the empty fields.
  form.addEventListener("htmx:configRequest", ({ detail }) => {
    for (const name of new Set(detail.formData.keys())) detail.formData.delete(name);
    const data = new FormData(form, submitter);
    const { name, value } = submitter ?? {}; // older browsers leave it out
    if (name && !data.getAll(name).includes(value)) data.append(name, value);
    for (const [name, value] of data) if (value) detail.formData.append(name, value);
  });
  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    if (detail.target.id === "results") show(form, document.getElementById("results").dataset);
  });
}

function show(form, { mood, filtered }) {
  for (const chip of form.querySelectorAll(".chip")) chip.setAttribute("aria-pressed", String(chip.value === mood));
  for (const button of form.querySelectorAll("[data-keeps-mood]")) button.value = mood;
  form.querySelector(".filters-open").classList.toggle("on", filtered !== undefined);
}

mount(document.getElementById("filters-form"));
