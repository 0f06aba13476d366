import { describe, expect, test } from "vitest";
import { createRedactor, redactTexts } from "../../../src/logging/redaction.ts";
import { SECRET_FORMS } from "../../support/secret-forms.ts";
import { listHeaderSecrets, listUrlSecrets } from "../../../src/logging/redaction/list-secrets.ts";

const SECRETS = {
  short: "8f3kQz-1",
  plain: "planted-token-0123456789",
  odd: 'pl+an/te"d\\tök%41=&<en> 😀 ()[.*',
  long: `planted.${"0123456789abcdef/+".repeat(40)}`,
  "5 KB": `planted.${"k7".repeat(2_500)}end`,
  "1 MB": `planted.${"z3Q".repeat(350_000)}end`,
};

/** The longest part of a secret that may remain in any form. */
const LEFT = 5;
const pieces = (text: string) =>
  Array.from({ length: Math.min(200, text.length - LEFT) }, (_, i) => text.slice(i, i + LEFT + 1));

describe.each(Object.entries(SECRETS))("a secret (%s)", (_, secret) => {
  const redact = createRedactor(["another-secret", secret, "planted"]);

  test.each(Object.entries(SECRET_FORMS))("is removed from a text, %s", (_form, write) => {
    const written = write(secret);
    const left = redact(`before ${written} after`);
    expect(left.startsWith("before ")).toBe(true);
    expect(left.endsWith(" after")).toBe(true);
    expect(left.length).toBeLessThan(60);
    expect(pieces(secret).filter((piece) => left.includes(piece))).toEqual([]);
  });

  test("is removed where a text cuts it off", () => {
    for (const length of [8, 30, 100]) {
      const cut = secret.slice(0, length);
      expect(redact(`before ${cut}`)).toBe("before <redacted>");
    }
  });
});

test("is removed where a header carried it as Latin-1", () => {
  const secret = "schl\u00fcssel-f\u00fcr-den-t\u00fcrsteher";
  for (const encoding of ["hex", "base64"] as const) {
    const written = Buffer.from(secret, "latin1").toString(encoding);
    expect(createRedactor([secret])(`before ${written} after`)).toMatch(/^before <redacted>=* after$/);
  }
});

/** A digit of base64 has bits of two bytes: those at the border reveal bits of the secret. */
test.each([0, 1, 2, 3, 4, 5])("its last bytes are removed from base64 (%i behind it)", (behind) => {
  for (const before of [0, 1, 2]) {
    const secret = "planted-token-0123456";
    const written = Buffer.from("x".repeat(before) + secret + "z".repeat(behind)).toString("base64url");
    const left = createRedactor([secret])(written);
    const digits = ([first, last]: [number, number]) => Math.ceil(last / 6) - Math.floor(first / 6);
    const covered = digits([before * 8, (before + secret.length) * 8]);
    expect(left.replace("<redacted>", "").length).toBe(written.length - covered);
  }
});

test("a text without secrets is unchanged, with its escapes", () => {
  const text = 'a %41 \\" \\u0041 &amp; %zz \\x &nosuch; cGxhbnRlZA== 😀';
  expect(createRedactor(Object.values(SECRETS))(text)).toBe(text);
  expect(createRedactor([])(text)).toBe(text);
});

test("texts and field names in parsed JSON are redacted", () => {
  const redact = createRedactor(["planted-secret"]);
  expect(redactTexts({ "x planted-secret": ["planted-secret", 1, null, { a: true }] }, redact)).toEqual({
    "x <redacted>": ["<redacted>", 1, null, { a: true }],
  });
});

test("a quotation mark after a cut secret stays, so JSON stays JSON", () => {
  const redact = createRedactor([`planted.${"k".repeat(200)}`]);
  expect(redact(`{"key":"planted.${"k".repeat(90)}","more":1}`)).toBe('{"key":"<redacted>","more":1}');
});

/** Each of these takes minutes if the text is read again for each character or each secret. */
describe("redaction takes linear time for every secret and text", () => {
  const MEGABYTES = 4 * 1024 * 1024;
  test.each([
    ["a secret almost equal to the text", [`b${"a".repeat(100_000)}`], "a".repeat(MEGABYTES)],
    ["a secret at each position of the text", ["a".repeat(1_000_000)], "a".repeat(MEGABYTES)],
    ["secrets that begin alike", Array.from({ length: 400 }, (_, i) => "a".repeat(8 + i)), "a".repeat(MEGABYTES)],
    ["a text of escapes", ["planted-secret"], "%25%36%31".repeat(MEGABYTES / 9)],
    ["a secret of escapes", ["%25".repeat(MEGABYTES / 3)], "planted"],
    ["many secrets", Array.from({ length: 200_000 }, (_, i) => `planted-secret-${i}`), "a".repeat(MEGABYTES)],
  ])("%s", (_, secrets, text) => {
    expect(createRedactor(secrets)(text).length).toBeLessThanOrEqual(text.length + 10);
  });

  test("a text is hidden entirely when there are too many secrets", () => {
    const secrets = Array.from({ length: 50_000 }, (_, i) => `${i}-planted-secret`);
    expect(createRedactor(secrets)("You are 7-planted-secret.")).toBe("<redacted>");
  });
});

describe("secrets in a header", () => {
  test.each([
    ["Authorization", "Bearer planted-token", ["Bearer planted-token", "planted-token"]],
    [
      "Authorization",
      `Basic ${Buffer.from("me:planted-word").toString("base64")}`,
      ["me:planted-word", "planted-word"],
    ],
    ["X-Api-Key", "k3y5", ["k3y5"]],
    ["Cookie", "a=planted-1; b=planted-2", ["planted-1", "planted-2"]],
    ["X-Stage", "prod", []],
  ])("%s: %s", (name, value, expected) => {
    const secrets = listHeaderSecrets({ [name]: value });
    expect(secrets).toEqual(expect.arrayContaining(expected));
    expect(secrets.length > 0).toBe(expected.length > 0);
    expect(secrets).not.toContain("Bearer");
  });

  test("of a URL: credentials, query values, and unreadable segments", () => {
    const secrets = listUrlSecrets(
      "https://me%40home:p%20word@mcp.example/v1/s-0123456789abcdef/mcp?key=planted-key&v=1#planted-fragment",
    );
    expect(secrets).toEqual(
      expect.arrayContaining(["me@home", "p word", "s-0123456789abcdef", "planted-key", "planted-fragment"]),
    );
    expect(secrets).not.toEqual(expect.arrayContaining(["mcp"]));
    expect(listUrlSecrets("no URL")).toEqual([]);
  });
});
