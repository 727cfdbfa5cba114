// Mutants that no test can find: what they break gives the same results, errors and gas. Each has its reason; they are counted apart.

export interface Equivalent {
  readonly file: string;
  /** what stands in place of the broken part, as the list of survivors prints it */
  readonly after: string;
  /** how many places of the file it is said of, all of them; 1 unless it says so */
  readonly places?: number;
  readonly why: string;
}

export const EQUIVALENT: readonly Equivalent[] = [
  {
    file: "arithmetic.ts",
    after: "by <= 0n",
    places: 2,
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
    after: "index <= part.length",
    why: "What is written behind the last place of a typed array is dropped.",
  },
  {
    file: "text.ts",
    after: "index <= text.length",
    places: 4,
    why: "Behind the last character there is no code: as NaN it is no half of a pair, equals no letter and is in no range, and no text is added.",
  },
  {
    file: "types.ts",
    after: "index <= text.length",
    places: 2,
    why: "Behind the last character there is no code: it is compared as NaN, which is within no range.",
  },
  {
    file: "node-reader.ts",
    after: "index <= text.length",
    places: 3,
    why: "Behind the last character there is no code and no text: nothing is added and nothing is outside ASCII.",
  },
  {
    file: "lookalike.ts",
    after: "index <= text.length",
    why: "Behind the last character there is no code and no letter.",
  },
  { file: "lookalike.ts", after: "start <= text.length", why: "Behind the last character no word begins." },
  {
    file: "functions.ts",
    after: "index <= text.length",
    why: "Behind the last character there is no code: it is compared as NaN, which is no digit and within no range.",
  },
  {
    file: "analyse-expression.ts",
    after: "first || second",
    why: "Two sets have a pair of values or none, whichever of them is asked: both are there or neither.",
  },
  {
    file: "check-operators.ts",
    after: 'other.kind !== "text" && other.values === undefined',
    why: "Only texts have values, and of an open text nothing is outside.",
  },
  {
    file: "compile-expression.ts",
    after: 'type.kind !== "int"',
    why: "The checked way, which is then taken, gives the same.",
  },
  {
    file: "compile-expression.ts",
    after: "type.min > -9007199254740991n",
    why: "The checked way, which is then taken, gives the same.",
  },
  {
    file: "compile-expression.ts",
    after: "type.max < 9007199254740991n",
    why: "The checked way, which is then taken, gives the same.",
  },
  {
    file: "compile-expression.ts",
    after: "!Array.isArray(left) && !Array.isArray(right)",
    why: "What is compared has one type: both are lists or neither.",
  },
  {
    file: "engine.ts",
    after: 'typeof version !== "number" && typeof activeHeight !== "number"',
    why: "The row is one that the ledger wrote: both are numbers.",
  },
  {
    file: "engine.ts",
    after: "newest.version + 1",
    why: "There is no row of the next version, and the newest itself is not in force: the search goes on below it.",
  },
  { file: "engine.ts", after: "version >= 0", why: "There is no version 0." },
  {
    file: "execute-block.ts",
    after: "loaded || compiled",
    why: "What a contract in force calls is there: the set of contracts is judged when one is deployed.",
  },
  {
    file: "expression.ts",
    after: "args.length !== count || variable === undefined && second === undefined",
    why: "When the count is right, both are there.",
  },
  {
    file: "expression.ts",
    after: "this.tokens.length + 1",
    why: "The last token is never passed: the position is never beyond it.",
  },
  {
    file: "finding.ts",
    after: "this.lineStarts.length + 1",
    why: "No line begins behind the last one: the search turns back from there.",
  },
  { file: "finding.ts", after: "end - start <= NAME_LENGTH_MAX", why: "So long a word is near no name." },
  {
    file: "functions.ts",
    after: 'list?.kind !== "list" && list.item.kind !== "int"',
    why: "Of a list of unknown items the sum is 0 to 0 either way, and nothing of it is compiled.",
  },
  {
    file: "functions.ts",
    after: 'overloads.every(({ form }) => form === "either" || (form === "method") === isMethod)',
    why: "All overloads of a name have one form.",
  },
  {
    file: "governance-rows.ts",
    after: 'typeof organisation !== "string" && typeof suite !== "number"',
    why: "A seat that is there has all its parts, one that is not has none.",
  },
  {
    file: "governance-rows.ts",
    after: 'typeof organisation !== "string" || typeof suite !== "number" && typeof peerId !== "string"',
    why: "A seat that is there has all its parts, one that is not has none.",
  },
  {
    file: "governance-rows.ts",
    after:
      'typeof organisation !== "string" || typeof suite !== "number" || typeof peerId !== "string" && !(publicKey instanceof Uint8Array)',
    why: "A seat that is there has all its parts, one that is not has none.",
  },
  {
    file: "index-rows.ts",
    after: "decoded?.ok === true || Array.isArray(decoded.value)",
    why: "The row is one that the ledger wrote; without one both ways end in a failed invariant.",
  },
  {
    file: "intervals.ts",
    after: "left.min < 0n",
    why: "A range that begins with 0 has the quotient 0 among its corners.",
  },
  {
    file: "intervals.ts",
    after: "left.max > 0n",
    why: "A range that ends with 0 has the quotient 0 among its corners.",
  },
  { file: "intervals.ts", after: "left.max >= 0n", why: "From 0 downwards the highest remainder is 0 by either way." },
  {
    file: "state-keys.ts",
    after: "STATE_KEY_BYTES_MAX + 4",
    why: "No key of a table is longer than STATE_KEY_BYTES_MAX: the rest is room.",
  },
  { file: "state-keys.ts", after: "value > 0", why: "0 has the same bytes by either way." },
  { file: "state-keys.ts", after: "unit >= 127", why: "The encoder writes the same byte for 127." },
  {
    file: "state-keys.ts",
    after: "at <= key.length",
    why: "A part that would begin behind the end makes the key longer than it is, and it is refused.",
  },
  {
    file: "state-keys.ts",
    after: "index <= key.length - 1",
    why: "Behind the last byte nothing is 0: the part has no end and is refused.",
  },
  {
    file: "state-keys.ts",
    after: "key.length + 1",
    why: "Behind the last byte nothing is 0: the part has no end and is refused.",
  },
  {
    file: "type-relations.ts",
    after: 'left.kind === "record" || right.kind === "record"',
    why: "Only rows and records have a table: that of another type is none.",
  },
  {
    file: "type-relations.ts",
    after: 'from.kind !== "text" && to.kind !== "text"',
    why: "Only texts have values: without them there is none outside.",
  },
  {
    file: "types.ts",
    after: "min !== undefined || max !== undefined",
    why: "An end that is missing is not in order with the other.",
  },
  { file: "types.ts", after: "sign <= 0n", why: "A sign is 1 or -1." },
  { file: "upgrade.ts", after: 'before.kind === "text" || after.kind === "text"', why: "Only texts have values." },
  {
    file: "lexer.ts",
    after: "at <= this.source.length",
    why: "Behind the last character the code is NaN, which is as little a character as -1.",
  },
  { file: "lexer.ts", after: "codePoint >= 127", why: "The encoder writes the same byte for 127." },
  { file: "types.ts", after: "code <= codeMin", why: "The slower way, which is then taken, gives the same." },
  { file: "types.ts", after: "code >= 0x7e", why: "The slower way, which is then taken, gives the same." },
  {
    file: "analyse-expression.ts",
    after: 'left.type.kind === "int" || right.type.kind === "int"',
    why: "Arithmetic has integers on both sides: others have had their finding, and no node.",
  },
  {
    file: "check-expression.ts",
    after: "overloads.every((overload) => overload.args.length === args.length)",
    why: "All overloads of a name take as many arguments.",
  },
  {
    file: "compile-contract.ts",
    after: "index <= columns.length",
    why: "Behind the last column both the column and the value are undefined, and a row has no place of that name.",
  },
  {
    file: "known.ts",
    after: 'right.kind === "bool" || left.kind === "bool"',
    why: "Only two truths have values that can be the same.",
  },
  {
    file: "node-reader.ts",
    after: ";",
    why: "Parsing throws nothing but a SyntaxFault: anything else would be a fault of its own.",
  },
  {
    file: "node-reader.ts",
    after: "code !== 92",
    why: "The slower way, which is then taken, gives the same; only of backslashes there is no expression.",
  },
  {
    file: "node-reader.ts",
    after: "!(code === 92 || code >= 127)",
    why: "The slower way, which is then taken, gives the same; of backslashes and of what is not ASCII alone there is no expression.",
  },
  {
    file: "row-bytes.ts",
    after: "length >= SHORT_BYTES_MAX",
    why: "Either way copies the same bytes.",
  },
  {
    file: "row-bytes.ts",
    after: "!(length > SHORT_BYTES_MAX)",
    why: "Either way copies the same bytes.",
  },
  {
    file: "row-bytes.ts",
    after: "index <= length",
    why: "The byte too many is written over by what comes behind it; behind the end of a typed array it is dropped.",
  },
  {
    file: "row-layout.ts",
    after: "this.dropped.length >= 0",
    why: "The slower way, which is then taken, gives the same bytes (R310).",
  },
  { file: "row-layout.ts", after: "field <= fields.length", why: "No column behind the last one is assigned." },
  {
    file: "row-layout.ts",
    after: "changed.length + 2",
    why: "Written whole or put together, the bytes are the same (R310).",
  },
  {
    file: "row-layout.ts",
    after: "changed.length * 2 >= fields.length",
    why: "Written whole or put together, the bytes are the same (R310).",
  },
  {
    file: "row-layout.ts",
    after: "!(changed.length * 2 > fields.length)",
    why: "Written whole or put together, the bytes are the same (R310).",
  },
  {
    file: "row-layout.ts",
    after: "this.columns.length + this.keyLength",
    why: "The slower way, which is then taken, gives the same row.",
  },
  {
    file: "stop.ts",
    after: 'typeof contract !== "string" && typeof until !== "number"',
    why: "The row is one that governance wrote: the one is a text and the other a number.",
  },
  {
    file: "yaml-document.ts",
    after: "place <= end",
    places: 2,
    why: "A place behind the end is the end: both are cut to it, and nothing is looked for behind it.",
  },
];
