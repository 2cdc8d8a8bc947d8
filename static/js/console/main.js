// The console's frame: what its menus need beyond <details>, and the key that leads to the search.
import { mount as mountMenus } from "./menus.js";
import { mount as mountSearch } from "./search.js";
import { mount as mountWidgets } from "./widgets.js";

for (const mount of [mountMenus, mountSearch, mountWidgets]) {
  try {
    mount(document);
  } catch (error) {
    reportError(error); // one that fails takes no other along
  }
}
