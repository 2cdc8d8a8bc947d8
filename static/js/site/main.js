// The behaviours that any page may use. Each module finds its own elements and leaves the rest alone.
import "./older.js";
import { mount as mountDevice } from "./device.js";
import { mount as mountDialogs } from "./dialogs.js";
import { mount as mountMenus } from "./menus.js";
import { mount as mountTheme } from "./theme.js";
import { mount as mountToasts } from "./toasts.js";

for (const mount of [mountDevice, mountDialogs, mountMenus, mountTheme, mountToasts]) {
  try {
    mount(document);
  } catch (error) {
    reportError(error); // one that fails takes no other along
  }
}

if (document.querySelector('meta[name="member"]')) import("./unread.js").then(({ mount }) => mount(document));
