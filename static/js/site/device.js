// What this site keeps on this device: drafts and unsent messages. None of it outlives a sign-out.

/** Remove what is kept here about a conversation, or everything. */
export function forget(about = "") {
  for (const key of Object.keys(localStorage)) if (key.startsWith("dusk:") && key.includes(about)) localStorage.removeItem(key);
}

export function mount(root) {
  for (const form of root.querySelectorAll('form[action*="logout"]')) form.addEventListener("submit", () => forget());
}
