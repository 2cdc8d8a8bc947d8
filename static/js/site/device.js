// What this site keeps on this device: drafts and unsent messages. None of it outlives a sign-out.

const OURS = "dusk:";
export const MEMBER = "dusk:member"; // whose they are: other tabs hear of it when somebody else signs in

/** A storage that never fails. What the browser forbids, or has no room for, is kept for as long as this page. */
export class Kept {
  #here = new Map();
  #find;

  /** `find()` gives the browser's own, or throws. */
  constructor(find) {
    this.#find = find;
  }

  getItem(key) {
    return this.#here.get(key) ?? this.#try((place) => place.getItem(key)) ?? null;
  }

  setItem(key, value) {
    const stored = this.#try((place) => (place.setItem(key, value), true));
    if (stored) this.#here.delete(key);
    else this.#here.set(key, String(value));
  }

  removeItem(key) {
    this.#here.delete(key);
    this.#try((place) => place.removeItem(key));
  }

  keys() {
    return [...new Set([...this.#here.keys(), ...(this.#try((place) => Object.keys(place)) ?? [])])];
  }

  #try(act) {
    try {
      return act(this.#find());
    } catch {
      return undefined;
    }
  }
}

/** For all tabs of this browser, and for this one alone: that also outlives a reload. */
export const kept = new Kept(() => localStorage);
export const keptHere = new Kept(() => sessionStorage);

/** Remove what is kept here about a conversation, or everything; from these places. */
export function forget(about = "", places = [kept, keptHere]) {
  for (const place of places) {
    for (const key of place.keys()) if (key.startsWith(OURS) && key.includes(about)) place.removeItem(key);
  }
}

export function mount(root) {
  const member = root.querySelector('meta[name="member"]')?.content;
  const last = kept.getItem(MEMBER);
  if (member && last !== member) {
    if (last) forget(); // whoever was signed in here did not sign out
    kept.setItem(MEMBER, member);
  }
  for (const form of root.querySelectorAll('form[action*="logout"]')) form.addEventListener("submit", () => forget());
}
