/** Queries in the form that Express parses them. */
import { expect, test } from "vitest";
import { parseInclude, parseListQuery } from "../../../../src/http/validation/queries.ts";

test("an empty value counts as absent", () => {
  expect(parseListQuery({ limit: "", order: "", after: "", include: "" })).toEqual(parseListQuery({}));
});

test.each([
  ["1", 1],
  ["100", 100],
  ["007", 7],
])("limit=%s is %i", (limit, number) => {
  expect(parseListQuery({ limit }).limit).toBe(number);
});

test.each([
  ["0", "integer below minimum value. Expected a value >= 1, but got 0 instead"],
  ["-3", "integer below minimum value. Expected a value >= 1, but got -3 instead"],
  ["101", "integer above maximum value. Expected a value <= 100, but got 101 instead"],
  ["99999999999999999999", "integer above maximum value. Expected a value <= 100"],
  ["1.5", "expected an integer, but got a decimal"],
  ["0x10", "expected an integer, but got a string"],
  ["1e1", "expected an integer, but got a string"],
  ["+5", "expected an integer, but got a string"],
  [" ", "expected an integer, but got a string"],
])("limit=%s is rejected", (limit, message) => {
  expect(() => parseListQuery({ limit })).toThrow(message);
});

test("a list parsed as an object becomes a list", () => {
  const values = Array.from({ length: 21 }, () => "reasoning.encrypted_content");
  expect(parseInclude({ include: Object.assign({}, values) })).toEqual(parseInclude({ include: values }));
  expect(() => parseInclude({ include: { a: "reasoning.encrypted_content" } })).toThrow("expected an array");
});
