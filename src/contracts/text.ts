// Text as contracts see it: counted in code points, searched, and looked at for what deceives a reader.
// Only well-formed texts get here; nothing here depends on a locale.

/** Number of code points. */
export function codePointLength(text: string): number {
  let length = text.length;
  for (let index = 0; index < text.length; index += 1) if ((text.charCodeAt(index) & 0xfc00) === 0xdc00) length -= 1;
  return length;
}

/** Knuth-Morris-Pratt: linear in both lengths, so that its price bounds its time. */
export function containsText(text: string, part: string): boolean {
  if (part.length === 0) return true;
  const fallback = new Int32Array(part.length);
  for (let index = 1, matched = 0; index < part.length; index += 1) {
    while (matched > 0 && part.charCodeAt(index) !== part.charCodeAt(matched)) matched = fallback[matched - 1]!;
    if (part.charCodeAt(index) === part.charCodeAt(matched)) matched += 1;
    fallback[index] = matched;
  }
  for (let index = 0, matched = 0; index < text.length; index += 1) {
    while (matched > 0 && text.charCodeAt(index) !== part.charCodeAt(matched)) matched = fallback[matched - 1]!;
    if (text.charCodeAt(index) === part.charCodeAt(matched)) matched += 1;
    if (matched === part.length) return true;
  }
  return false;
}

/** Index of the first character that shows nothing, or changes how its neighbours are shown; -1 without one. */
export function hiddenCharacter(text: string): number {
  for (let index = 0; index < text.length; index += 1) if (isHidden(text.charCodeAt(index))) return index;
  return -1;
}

// Controls but tab and line ends; marks of direction and of no width; separators of lines; the byte order mark; letters and
// signs that are blank; selectors of variants and tags (plane 14).
function isHidden(code: number): boolean {
  if (code < 0x20) return code !== 9 && code !== 10 && code !== 13;
  if (code < 0x7f) return false;
  return (
    code <= 0x9f ||
    code === 0xad ||
    code === 0x061c ||
    (code >= 0x180b && code <= 0x180f) ||
    (code >= 0x200b && code <= 0x200f) ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2060 && code <= 0x206f) ||
    code === 0xfeff ||
    (code >= 0xfff0 && code <= 0xfffb) ||
    BLANK_SIGNS.has(code) ||
    (code >= 0xfe00 && code <= 0xfe0f) ||
    code === 0xdb40
  );
}

const BLANK_SIGNS = new Set([0x034f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x2800, 0x3164, 0xffa0]);

/** Text of somebody inside a sentence of somebody else: what shows nothing or breaks the line is written as its number. */
export function visible(text: string): string {
  let shown = "";
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    shown += code < 0x20 || isHidden(code) ? `\\u${code.toString(16).padStart(4, "0")}` : (text[index] ?? "");
  }
  return shown;
}
