/** The token that Django wants back with each unsafe request: from the page's head, else from any of its forms. */
export function csrfToken() {
  return (
    document.querySelector('meta[name="csrf-token"]')?.content ??
    document.querySelector('input[name="csrfmiddlewaretoken"]')?.value ??
    ""
  );
}

/** Gives htmx's requests the token; htmx itself need not be on the page. */
export function mount(root) {
  root.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = csrfToken();
  });
}
