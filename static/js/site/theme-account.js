/** The theme that a member chose, told to their account. */
import { Choice, keep } from "./keeping.js";
import { chosen, draw, named, remember, UNTOLD } from "./theme-drawn.js";
import { toast } from "./toasts.js";

let choice;
let told = false;

/** Keep it; `before` is what the page was drawn in until now. Promises whether the account has it. */
export async function choose(theme, before) {
  choice ??= new Choice(before, {
    show: draw,
    async keep(theme) {
      remember(theme, UNTOLD);
      told = await tell(theme);
    },
    sorry(words) {
      remember(chosen());
      toast(words, "circle-alert");
    },
  });
  return (await choice.choose(theme)) && told;
}

/** Tell the account what an earlier page could not. */
export const tellNow = (theme) => tell(named(theme)).catch(() => remember(chosen()));

/** It may also be told later, when nobody answers; rejects when the account says no. */
async function tell(theme) {
  try {
    await keep({ theme: theme || "system" });
  } catch (error) {
    if (error.refused) throw error;
    return false;
  }
  remember(theme);
  return true;
}
