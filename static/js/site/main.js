// The behaviours that any page may use. Each module finds its own elements and leaves the rest alone.
import { mount as mountCsrf } from "./csrf.js";
import { mount as mountDevice } from "./device.js";
import { mount as mountDialogs } from "./dialogs.js";
import { mount as mountMenus } from "./menus.js";
import { mount as mountPasswords } from "./passwords.js";
import { mount as mountTheme } from "./theme.js";
import { mount as mountToasts } from "./toasts.js";

for (const mount of [mountCsrf, mountDevice, mountDialogs, mountMenus, mountPasswords, mountTheme, mountToasts]) {
  mount(document);
}
