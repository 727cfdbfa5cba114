// Amounts as people read them: yuan for fen, square metres for cm², in sentences whose authors write the smaller unit behind the value.
// Never computes for the ledger: what is stored, compared and signed stays in whole fen and cm².

export type SmallUnit = "fen" | "cm2";
type Tongue = "zh" | "en";

const BEHIND: Readonly<Record<SmallUnit, Readonly<Record<Tongue, RegExp>>>> = {
  // "5 分钟" are minutes, "万分之 5" is a ratio.
  fen: { zh: /^ ?分(?![钟之])/, en: /^ ?fen\b/ },
  cm2: { zh: /^ ?平方厘米/, en: /^ ?cm2\b/ },
};
const LARGE: Readonly<Record<SmallUnit, Readonly<Record<Tongue, string>>>> = {
  fen: { zh: "元", en: "yuan" },
  cm2: { zh: "平方米", en: "m²" },
};
const UNITS: readonly SmallUnit[] = ["fen", "cm2"];

/** 123456 fen as "1,234.56 元", 893700 cm² as "89.37 平方米". */
export function inLargeUnit(value: number | bigint, unit: SmallUnit, tongue: Tongue): string {
  const whole = BigInt(value);
  const [sign, size] = whole < 0n ? ["−", -whole] : ["", whole];
  const places = unit === "cm2" && size % 100n !== 0n ? 4 : 2;
  const parts = unit === "cm2" && places === 2 ? size / 100n : size;
  const scale = 10n ** BigInt(places);
  const digits = String(parts / scale).replace(/\d(?=(?:\d{3})+$)/g, "$&,");
  return `${sign}${digits}.${String(parts % scale).padStart(places, "0")} ${LARGE[unit][tongue]}`;
}

/** The unit that a sentence names behind a value; undefined: none, or one that people use as it is. */
export function unitBehind(next: unknown, tongue: Tongue): SmallUnit | undefined {
  return typeof next === "string" ? UNITS.find((unit) => BEHIND[unit][tongue].test(next)) : undefined;
}

/** What follows a value without its unit. */
export function withoutUnitBehind(next: string, unit: SmallUnit, tongue: Tongue): string {
  return next.replace(BEHIND[unit][tongue], "");
}

/** What follows a value that will be told in the large unit. @param options.isFen whether 分 are fen here */
export function inLargeUnitBehind(next: string, tongue: Tongue, { isFen }: { readonly isFen: boolean }): string {
  const unit = unitBehind(next, tongue);
  if (unit === undefined || (unit === "fen" && !isFen)) return next;
  return ` ${LARGE[unit][tongue]}${withoutUnitBehind(next, unit, tongue)}`;
}

/** 分 are points, too: they are fen in a sentence that says fen in English. */
export function saysFen(english: readonly unknown[] | undefined): boolean {
  return english?.some((part) => unitBehind(part, "en") === "fen") === true;
}
