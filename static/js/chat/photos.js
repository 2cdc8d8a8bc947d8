const PATIENCE = 10_000; // between two tries

/** Her photos beside the conversation, drawn anew by the server when premium begins or ends. */
export function mount({ store, page = document }) {
  const shown = () => page.querySelector("[data-photos]");
  let asked = -Infinity;
  store.subscribe(async ({ conversation }) => {
    const is = conversation.premium_active ? "on" : "off";
    if (is === shown().dataset.photos || performance.now() - asked < PATIENCE) return;
    asked = performance.now();
    try {
      const answer = await fetch(location.pathname);
      const drawn = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-photos]");
      if (drawn) shown().replaceWith(page.adoptNode(drawn));
    } catch {
      // no network: they are asked for again when something else happens
    }
  });
}
