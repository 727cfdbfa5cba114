// Literals at their edges: what each is, or by which code it is refused.

import { describe, expect, it } from "vitest";
import { askSubject } from "./subject.ts";

const ask = (text: string) => askSubject(text, { variables: [], rows: [] });

describe("literals", () => {
  it.each([
    ["0x", "NUMBER_INVALID"],
    ["0xg", "NUMBER_INVALID"],
    ["1x", "NUMBER_INVALID"],
    ["0x1g", "NUMBER_INVALID"],
    ["1_0", "NUMBER_INVALID"],
    [`0x${"f".repeat(16)}`, "NUMBER_TOO_LARGE"],
    [`0x${"0".repeat(19)}`, "NUMBER_TOO_LARGE"],
    ["0".repeat(21), "NUMBER_TOO_LARGE"],
    ["9223372036854775808", "NUMBER_TOO_LARGE"],
    ["-9223372036854775809", "NUMBER_TOO_LARGE"],
    ["1u", "UNSIGNED_NOT_ALLOWED"],
    ["1U", "UNSIGNED_NOT_ALLOWED"],
    ["0x1u", "UNSIGNED_NOT_ALLOWED"],
    ["1.5", "FRACTION_NOT_ALLOWED"],
    [".5", "FRACTION_NOT_ALLOWED"],
    ["1e5", "FRACTION_NOT_ALLOWED"],
    ["1E5", "FRACTION_NOT_ALLOWED"],
    ["'a", "TEXT_UNTERMINATED"],
    ["'a\nb'", "TEXT_UNTERMINATED"],
    ["'a\rb'", "TEXT_UNTERMINATED"],
    ["'''a''", "TEXT_UNTERMINATED"],
    ["'a\"", "TEXT_UNTERMINATED"],
    ["'\\q'", "ESCAPE_INVALID"],
    ["'\\x4'", "ESCAPE_INVALID"],
    ["'\\x4g'", "ESCAPE_INVALID"],
    ["'\\400'", "ESCAPE_INVALID"],
    ["'\\08'", "ESCAPE_INVALID"],
    ["'\\18'", "ESCAPE_INVALID"],
    ["'\\ud800'", "ESCAPE_INVALID"],
    ["'\\udfff'", "ESCAPE_INVALID"],
    ["'\\U00110000'", "ESCAPE_INVALID"],
    ["'\\u4e2'", "ESCAPE_INVALID"],
    ["b'\\u0041'", "ESCAPE_INVALID"],
    ["#", "EXPRESSION_CHARACTER"],
    ["1 & 1", "EXPRESSION_CHARACTER"],
    ["1 = 1", "EXPRESSION_CHARACTER"],
    ["", "EXPRESSION_SYNTAX"],
    ["// nothing", "EXPRESSION_SYNTAX"],
    ["{}", "MAP_NOT_ALLOWED"],
  ])("R218: %j is refused: %s", (text, code) => {
    expect(ask(text).codes).toEqual([code]);
  });

  it.each([
    ["0x7fffffffffffffff", "int 9223372036854775807"],
    ["-0x8000000000000000", "int -9223372036854775808"],
    ["0XaF", "int 175"],
    ["00000000000000000001", "int 1"],
    ["'\\x41\\101\\u4e2d\\U0001F600'", 'text "AA中😀"'],
    ["'\\377\\ud7ff\\ue000'", 'text "ÿ\ud7ff\ue000"'],
    ["r'\\n' + R\"\\\\\"", 'text "\\\\n\\\\\\\\"'],
    ["'''a'b''c\n'''", "text \"a'b''c\\n\""],
    ['"""a"b"""', 'text "a\\"b"'],
    ["'\\a\\b\\f\\n\\r\\t\\v\\\\\\?\\\"\\'\\`'", `text ${JSON.stringify("\x07\b\f\n\r\t\v\\?\"'`")}`],
    ["b'\\377\\x00a'", "bytes ff0061"],
    ['B"é"', "bytes c3a9"],
    ["br'\\x'", "bytes 5c78"],
    ["Rb'a'", "refused: EXPRESSION_SYNTAX"],
    ["1 // one\n + 1", "int 2"],
    ["\t1\f+\r\n1", "int 2"],
    ["[1, 2,] == [1, 2]", "bool true"],
  ])("R218: %j is %s", (text, observed) => {
    expect(ask(text)).toMatchObject({ observed, faults: [] });
  });
});
