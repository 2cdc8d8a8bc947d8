/**
 * Brings the drawings of the page's templates into the page: what is drawn while there is no network has its icons, however
 * the sprite's file may be cached.
 */
export async function bring(page = document) {
  const uses = [...page.querySelectorAll("template")].flatMap((template) => [...template.content.querySelectorAll("use")]);
  const [file] = (uses[0]?.getAttribute("href") ?? "").split("#");
  if (!file) return;
  try {
    const answer = await fetch(file);
    if (!answer.ok) return;
    const sprite = new DOMParser().parseFromString(await answer.text(), "image/svg+xml");
    const here = page.createElementNS("http://www.w3.org/2000/svg", "svg");
    here.setAttribute("hidden", "");
    for (const symbol of sprite.querySelectorAll("symbol")) {
      symbol.id = `icon-${symbol.id}`; // no other element is called like that
      here.append(page.importNode(symbol, true));
    }
    page.body.append(here);
    for (const use of uses) use.setAttribute("href", use.getAttribute("href").replace(`${file}#`, "#icon-"));
  } catch {
    // they come from the file, as those of the page itself
  }
}
