/* Galleries, posts and the feed: what is loaded later gets the same behaviours as what was there first. */
import "../site/older.js";
import { mount as mountAgo } from "./ago.js";
import { mount as mountFilms } from "./films.js";
import { mount as mountLikes } from "./likes.js";
import { mount as mountMore } from "./more.js";
import { mount as mountOpening } from "./opening.js";
import { mount as mountPremium } from "./premium.js";

const root = document.querySelector("[data-pictures]");
for (const mount of [mountAgo, mountFilms, mountLikes, mountMore, mountOpening, mountPremium]) mount(root);
