/* What text of any script is made of: the twin of config/lib/text.py, held to the same by tests/corpus/scripts.json. */

/* Without what nobody knows yet: a browser that cannot read a pattern finds nothing with it. */
const re = (source, flags = "u") => {
  try {
    return new RegExp(source, flags);
  } catch {
    return /$^/;
  }
};

const SEEN = re(
  "[^\\s\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\xad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u2800\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff9-\\ufffc\\u{1bca0}-\\u{1bca3}\\u{1d159}\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e007f}\\u{e0100}-\\u{e01ef}]",
);

/** Whether a person would see nothing. */
export const isBlank = (text) => !SEEN.test(text);

/** Length as the server counts it: characters, not UTF-16 units. */
export const length = (text) => [...text].length;

const PLAIN = {
  ø: "o", ł: "l", đ: "d", ħ: "h", ŧ: "t", ı: "i", ð: "d", ŋ: "n", ə: "e", ƙ: "k", ɓ: "b", ɗ: "d",
  æ: "ae", œ: "oe", þ: "th", ß: "ss", ς: "σ",
  "…": "...", ـ: "", ى: "ي", ی: "ي", ک: "ك", ة: "ه", ھ: "ه",
};
for (const mark of "‘’‛′`´ʼʻ׳＇") PLAIN[mark] = "'";
for (const mark of "“”„‟″«»״") PLAIN[mark] = '"';
for (const mark of "‐‑‒–—―−") PLAIN[mark] = "-";
const MARK = re("[\\p{M}\\u00ad\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff]");
const KEPT = re("[\\u3099\\u309a\\u0900-\\u0dff\\u0e31-\\u0e3a\\u0e47-\\u0e4e\\u0eb1-\\u0ebc\\u0ec8-\\u0ecd\\u0f71-\\u0f84\\u102b-\\u103e\\u17b6-\\u17d3]");

/** Text as the search compares it: no case, no accents, plain quotes, single spaces. */
export function fold(text) {
  const plain = (c) => PLAIN[c] ?? (MARK.test(c) && !KEPT.test(c) ? "" : c);
  return [...text.normalize("NFKD").toLowerCase()].map(plain).join("").split(/\s+/).filter(Boolean).join(" ");
}

const WIDE = re(
  "[\\u0e00-\\u0eff\\u0f00-\\u0fff\\u1000-\\u109f\\u1100-\\u11ff\\u1780-\\u17ff\\u2e80-\\u9fff\\ua960-\\ua97f\\uac00-\\ud7ff\\uf900-\\ufaff\\uff66-\\uff9f\\u{1b000}-\\u{1b16f}\\u{20000}-\\u{3ffff}]",
);
const WORD = re("[\\p{L}\\p{M}\\p{N}]");
const NUMBER = re("\\p{N}");
const SYMBOL = re("\\p{So}");
const MORE_THAN_A_FACE = /[^\s*_~^.,;:'`|\-]|…|\.\.|!!|\?/;

const MOST_OPEN = 16; // marks that wait for their other half

const isSpace = (c) => !c || /\s/.test(c);
const isWord = (c) => Boolean(c) && WORD.test(c);
const isApart = (c) => isWord(c) && !WIDE.test(c); // of a script whose words stand apart
const isNumber = (c) => Boolean(c) && NUMBER.test(c);

/* The character before a place and the one behind it, whole. */
const before = (text, at) => (at ? String.fromCodePoint(text.codePointAt(/[\udc00-\udfff]/.test(text[at - 1]) && at > 1 ? at - 2 : at - 1)) : "");
const behind = (text, at) => (at < text.length ? String.fromCodePoint(text.codePointAt(at)) : "");

/**
 * A text without the marks of its emphasis, as [look, text]: "", "em", "strong" or "em strong". See the twin for what a
 * pair is. `grows`: more may come, so marks at the very end wait.
 */
export function segments(text, { byMember = false, grows = false } = {}) {
  if (grows) text = text.replace(/[*_]+$/, "");
  if (!text.includes("*") && (byMember || !text.includes("_"))) return text ? [["", text]] : [];
  return cutUp(text, pairs(text, byMember));
}

function pairs(text, byMember) {
  const found = [];
  let open = [];
  const leftOpen = [];
  for (const run of text.matchAll(/\*+|_+/g)) {
    const begin = run.index;
    const end = begin + run[0].length;
    if (end - begin > (byMember ? 2 : 3) || (byMember && run[0][0] === "_")) continue;
    let at = begin;
    while (at < end) {
      const i = open.findLastIndex((opener) => closes(text, at, end, begin, opener, byMember));
      if (i < 0) break;
      const opener = open[i];
      const width = Math.min(end - at, opener.width);
      const pad = opener.loose ? 1 : 0;
      found.push([opener.at - width, opener.at + pad, at - pad, at + width, width]);
      open.length = i;
      if (opener.width > width) open.push({ ...opener, at: opener.at - width, width: opener.width - width });
      const paragraph = text.slice(0, opener.at - width).lastIndexOf("\n\n") + 1;
      leftOpen.push(...open.filter((one) => one.at < paragraph));
      open = open.filter((one) => one.at >= paragraph);
      at += width;
    }
    const opener = at === begin && opens(text, begin, end, byMember);
    if (opener) open.push(opener);
    if (open.length > MOST_OPEN) open.shift();
  }
  for (const { at, width, mark, loose, inside } of byMember ? [] : [...leftOpen, ...open]) {
    if (mark !== "*" || loose || inside || !mayStayOpen(behind(text, at))) continue;
    const stop = text.indexOf("\n\n", at);
    const close = stop < 0 ? text.length : stop;
    found.push([at - width, at, close, close, width]);
  }
  return found;
}

function opens(text, at, end, byMember) {
  const [was, next] = [before(text, at), behind(text, end)];
  const opener = { at: end, width: end - at, mark: text[at], loose: false, inside: false };
  const tight = !isSpace(next);
  if (byMember) return tight && !isApart(was) && opener;
  if (opener.mark === "_") return (isWord(next) || (next && "*\"'“‘".includes(next))) && (isSpace(was) || "([{\"'“‘«*—–".includes(was)) && opener;
  if (tight) {
    const inside = isApart(was);
    return !(inside && (!isWord(next) || isNumber(was) || isNumber(next))) && { ...opener, inside };
  }
  const line = text.slice(text.lastIndexOf("\n", at - 1) + 1, at).replace(/ +$/, "");
  return next === " " && isSpace(was) && !isNumber(before(line, line.length)) && { ...opener, loose: true };
}

function closes(text, at, end, begin, opener, byMember) {
  const left = end - at;
  if (opener.mark !== text[at] || !(left === opener.width || left === 3 || opener.width === 3 || end - begin === 3)) return false;
  const within = text.slice(opener.at, at);
  if (!MORE_THAN_A_FACE.test(within)) return false;
  const [was, next] = [before(text, at), behind(text, end)];
  if (opener.loose) {
    const fits = was === " " && !isWord(next) && !within.includes("\n") && length(within) > 3;
    return fits && !isNumber(behind(text.slice(end).replace(/^ +/, ""), 0));
  }
  if (isSpace(was)) return false;
  if (byMember) return !within.includes("\n") && !isApart(next);
  if (opener.mark === "_") return !isApart(next) && !(next === "." && isApart(behind(text, end + 1))) && !within.includes("\n\n");
  return !(opener.inside && isApart(next));
}

const mayStayOpen = (next) => isWord(next) || Boolean(next && "\"'“‘«「『".includes(next)) || SYMBOL.test(next);

function cutUp(text, found) {
  const looks = [];
  for (const [begin, inside, close, end, width] of found)
    for (const look of width === 1 ? ["em"] : width === 2 ? ["strong"] : ["em", "strong"]) looks.push([begin, inside - begin, look, 1], [close, end - close, look, -1]);
  looks.sort((a, b) => a[0] - b[0] || a[3] - b[3]);
  const on = { em: 0, strong: 0 };
  const names = () => Object.keys(on).filter((name) => on[name]).join(" ");
  const parts = [];
  let at = 0;
  for (const [where, width, look, change] of looks) {
    if (where > at) parts.push([names(), text.slice(at, where)]);
    at = Math.max(at, where + width);
    on[look] += change;
  }
  if (at < text.length) parts.push([names(), text.slice(at)]);
  return parts;
}
