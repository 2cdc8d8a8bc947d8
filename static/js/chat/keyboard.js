/** Makes room for the keyboard of an iPhone, which lies over the page instead of making it smaller. */
export function mount(view = window.visualViewport, page = document.documentElement) {
  view?.addEventListener("resize", () => {
    const covered = view.scale === 1 ? Math.max(0, innerHeight - view.height - view.offsetTop) : 0;
    page.style.setProperty("--kb", `${covered}px`);
  });
}
