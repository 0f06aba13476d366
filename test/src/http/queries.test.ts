/** Queries, as the parser of URLs gives them. */
import { expect, test } from "vitest";
import { parseInclude, parseListQuery } from "../../../src/http/validate.ts";

test("what is empty is not stated", () => {
  expect(parseListQuery({ limit: "", order: "", after: "", include: "" })).toEqual(parseListQuery({}));
});

test("a list that the parser made an object of is a list", () => {
  const values = Array.from({ length: 21 }, () => "reasoning.encrypted_content");
  expect(parseInclude({ include: Object.assign({}, values) })).toEqual(parseInclude({ include: values }));
  expect(() => parseInclude({ include: { a: "reasoning.encrypted_content" } })).toThrow("expected an array");
});
