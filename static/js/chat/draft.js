import { kept, keptHere } from "../site/device.js";

/**
 * What is written in a conversation and not sent. Each tab keeps its own, over a reload too; a tab that had none is
 * offered what was written last in any of them.
 */
export class Draft {
  constructor(conversation) {
    this.key = `dusk:draft:${conversation}`;
  }

  read() {
    return keptHere.getItem(this.key) ?? kept.getItem(this.key) ?? "";
  }

  /** This is written now. What another tab wrote last is not ours to remove. */
  keep(text) {
    const { key } = this;
    const before = keptHere.getItem(key);
    keptHere.setItem(key, text);
    if (text) kept.setItem(key, text);
    else if (before === kept.getItem(key)) kept.removeItem(key);
  }
}
