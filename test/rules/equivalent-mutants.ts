// Mutants that no test can find: what they break gives the same results, errors and gas. Each has its reason; they are counted apart.

export interface Equivalent {
  readonly file: string;
  /** what stands in place of the broken part, as the list of survivors prints it */
  readonly after: string;
  readonly why: string;
}

export const EQUIVALENT: readonly Equivalent[] = [
  {
    file: "arithmetic.ts",
    after: "by <= 0n",
    why: "Neither the product nor the divisor is 0 here: a remainder of 0 and a division by 0 have left before.",
  },
  {
    file: "arithmetic.ts",
    after: "difference < 9007199254740991",
    why: "At the edge both ways give the same integer in the same form.",
  },
  {
    file: "arithmetic.ts",
    after: "difference > -9007199254740991",
    why: "At the edge both ways give the same integer in the same form.",
  },
  {
    file: "arithmetic.ts",
    after: "left.remainder >= right.remainder",
    why: "Equal remainders are ordered by place before.",
  },
  {
    file: "arithmetic.ts",
    after: "product < 9007199254740991",
    why: "At the edge both ways give the same integer in the same form.",
  },
  {
    file: "arithmetic.ts",
    after: "product <= 0n",
    why: "Neither the product nor the divisor is 0 here: a remainder of 0 and a division by 0 have left before.",
  },
  {
    file: "arithmetic.ts",
    after: "product > -9007199254740991",
    why: "At the edge both ways give the same integer in the same form.",
  },
  { file: "arithmetic.ts", after: "remainder <= 0n", why: "The remainder is not 0: that has left before." },
  {
    file: "arithmetic.ts",
    after: "sum < 9007199254740991",
    why: "At the edge both ways give the same integer in the same form.",
  },
  {
    file: "arithmetic.ts",
    after: "sum > -9007199254740991",
    why: "At the edge both ways give the same integer in the same form.",
  },
  { file: "check-call.ts", after: "left.name <= right.name", why: "No two arguments of a call have one name." },
  {
    file: "compile-contract.ts",
    after: "left.name <= right.name",
    why: "No two parameters of an action have one name.",
  },
  {
    file: "contract-set.ts",
    after: "height >= from",
    why: "A height that is looked at twice is found the same twice.",
  },
  { file: "expression.ts", after: "child.depth >= depth", why: "The deeper of two equal depths is either." },
  { file: "finding.ts", after: "index <= source.length", why: "Behind the last character there is no line break." },
  { file: "functions.ts", after: "high >= INT64_MAX", why: "At the end of the range both give the end." },
  { file: "functions.ts", after: "low <= INT64_MIN", why: "At the end of the range both give the end." },
  { file: "functions.ts", after: "max >= 0n", why: "0 times a length is 0." },
  { file: "functions.ts", after: "min <= 0n", why: "0 times a length is 0." },
  { file: "intervals.ts", after: "left.min <= 0n", why: "From 0 upwards the lowest remainder is 0 by either way." },
  { file: "intervals.ts", after: "value <= 0n", why: "The negative of 0n is 0n." },
  { file: "intervals.ts", after: "value <= smallest", why: "The smaller of two equal numbers is either." },
  { file: "intervals.ts", after: "value >= largest", why: "The greater of two equal numbers is either." },
  {
    file: "yaml-document.ts",
    after: 'void refuse(findings, 0, "DOCUMENT_TEXT", "the document is not well-formed Unicode")',
    why: "`refuse` of this file gives undefined after its finding, as void does.",
  },
  {
    file: "yaml-document.ts",
    after: 'void refuse(findings, hidden, "DOCUMENT_TEXT", hiddenMessage(source, hidden))',
    why: "`refuse` of this file gives undefined after its finding, as void does.",
  },
  {
    file: "yaml-document.ts",
    after: 'void refuse(findings, 0, "DOCUMENT_EMPTY", "the document is empty")',
    why: "`refuse` of this file gives undefined after its finding, as void does.",
  },
  {
    file: "yaml-document.ts",
    after: `void refuse(findings, 0, "DOCUMENT_TOO_LARGE", \`a document has at most \${SOURCE_BYTES_MAX} bytes\`)`,
    why: "`refuse` of this file gives undefined after its finding, as void does.",
  },
  {
    file: "yaml-document.ts",
    after: `void refuse(findings, 0, "DOCUMENT_TOO_LARGE", \`a document has at most \${DOCUMENT_MARKS_MAX} words and signs\`)`,
    why: "`refuse` of this file gives undefined after its finding, as void does.",
  },
  {
    file: "text.ts",
    after: "index <= text.length",
    why: "Behind the last character there is no code: it is compared as NaN, which is within no range.",
  },
  {
    file: "types.ts",
    after: "index <= text.length",
    why: "Behind the last character there is no code: it is compared as NaN, which is within no range.",
  },
  {
    file: "text.ts",
    after: "index <= part.length",
    why: "What is written behind the last place of a typed array is dropped.",
  },
  {
    file: "node-reader.ts",
    after: "index <= text.length",
    why: "Behind the last character there is no code and no text: nothing is added and nothing is outside ASCII.",
  },
];
