// Letters that a reader takes for others: of scripts that share shapes with Latin, of full width, parts of characters that stand for whole
// ones. Documents are read in Chinese and English. It compares code units and knows no fonts; what it misses a reader may still see.

type Range = readonly [first: number, last: number];

const LATIN: readonly Range[] = [
  [0x41, 0x5a],
  [0x61, 0x7a],
];
/** Phonetic letters, Greek, Cyrillic, Armenian, Cherokee, Coptic and Lisu. */
const FOREIGN: readonly Range[] = [
  [0x250, 0x2af],
  [0x370, 0x58f],
  [0x13a0, 0x13ff],
  [0x1c80, 0x1c8f],
  [0x1d00, 0x1dbf],
  [0x1f00, 0x1fff],
  [0x2c80, 0x2cff],
  [0xa4d0, 0xa4ff],
  [0xa640, 0xa69f],
  [0xab30, 0xabbf],
];
/** Scripts of which nearly every letter has the shape of a Latin one. */
const LATIN_SHAPED: readonly Range[] = [
  [0x13a0, 0x13ff],
  [0xa4d0, 0xa4ff],
];
/** Single letters of the others that have it. */
const LATIN_SHAPES = new Set("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹϲϳοινАВЕЅІЈКМНОРСТУХҮԌԚԜаеорсухѕіјһԁԛԝүՍՏՕսօոցհյɑɡɩ");
const WIDE: readonly Range[] = [
  [0xff10, 0xff19],
  [0xff21, 0xff3a],
  [0xff41, 0xff5a],
];
const HAN: readonly Range[] = [
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
];
/** Radicals, strokes and second forms of Chinese characters, each with the look of a character of its own. */
const HAN_DOUBLES: readonly Range[] = [
  [0x2e80, 0x2fdf],
  [0x31c0, 0x31ef],
  [0xf900, 0xfaff],
];
/** First half of the second forms beyond 16 bits. */
const HAN_DOUBLES_HALF = 0xd87e;
const KANA: readonly Range[] = [[0x3041, 0x30ff]];
/** Kana and phonetic signs that are taken for 口, 力, 工, 卜, 夕, 二, 八, 三, 千, 厶, 一 and the like. */
const HAN_SHAPES = new Set("ロカエトタニハヘミムメチセオヌリーㄧㄚㄥㅡㅣ");
/** First half of the letters of mathematics. */
const MATHEMATICS_HALF = 0xd835;
/** As it stands in units it is no letter of a word. */
const MICRO = 0x3bc;

/**
 * Index of the first letter that is taken for another one, -1 without: of a word that mixes Latin letters with those of another script,
 * of a word of another script in which all have the shape of Latin ones, a part or second form of a Chinese character, a kana alone
 * beside Chinese characters. `alone`: any letter of those scripts wherever it stands, and letters and digits of full width or of
 * mathematics.
 */
export function lookalike(text: string, { alone }: { readonly alone: boolean }): number {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (within(HAN_DOUBLES, code) || code === HAN_DOUBLES_HALF || isLoneKana(text, index)) return index;
    if (alone && (within(FOREIGN, code) || within(WIDE, code) || code === MATHEMATICS_HALF)) return index;
  }
  return alone ? -1 : mixedWord(text);
}

function mixedWord(text: string): number {
  for (let start = 0; start < text.length; start += 1) {
    let end = start;
    let foreign = -1;
    let isDeceptive = true;
    let hasLatin = false;
    for (let kind = letterAt(text, end); kind !== undefined; kind = letterAt(text, end)) {
      if (kind === "latin") hasLatin = true;
      else if (foreign < 0) foreign = end;
      if (kind === "foreign") isDeceptive = false;
      end += 1;
    }
    if (foreign >= 0 && (hasLatin || isDeceptive)) return foreign;
    start = end;
  }
  return -1;
}

/** `shaped`: foreign, with the shape of a Latin letter. */
function letterAt(text: string, index: number): "latin" | "shaped" | "foreign" | undefined {
  const code = text.charCodeAt(index);
  if (within(LATIN, code)) return "latin";
  if (!within(FOREIGN, code) || code === MICRO) return undefined;
  return within(LATIN_SHAPED, code) || LATIN_SHAPES.has(text[index] ?? "") ? "shaped" : "foreign";
}

function isLoneKana(text: string, index: number): boolean {
  if (!HAN_SHAPES.has(text[index] ?? "")) return false;
  const [before, after] = [text.charCodeAt(index - 1), text.charCodeAt(index + 1)];
  return (within(HAN, before) || within(HAN, after)) && !within(KANA, before) && !within(KANA, after);
}

/** Of no range is what stands before or behind a text: its code is no number. */
function within(ranges: readonly Range[], code: number): boolean {
  return ranges.some(([first, last]) => code >= first && code <= last);
}
