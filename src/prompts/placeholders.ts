/**
 * `{{variable}}` in a template's text. Each text is split once, when its file is read. Filling joins the pieces, so a
 * variable's value is never parsed as a placeholder.
 */

export type TemplatePiece = string | { variable: string };

/** Names start with a letter, which excludes `__proto__`. */
const NAME = "[A-Za-z][A-Za-z0-9_-]{0,63}";
/** `\{{`, or `{{` with the rest of its placeholder if it is one. */
const PLACEHOLDER_PATTERN = new RegExp(String.raw`\\\{\{|\{\{(?:[ \t]*(${NAME})[ \t]*\}\})?`, "g");
const SHOWN_CHARACTERS = 24;

export class PlaceholderError extends Error {
  override readonly name = "PlaceholderError";
  constructor(found: string) {
    super(`'${found}' does not begin a placeholder like {{variable}}. Write \\{{ for two braces.`);
  }
}

/** Splits `text` into its pieces, in order, none empty. `\{{` means two braces. */
export function splitPlaceholders(text: string): TemplatePiece[] {
  const pieces: TemplatePiece[] = [];
  let literal = "";
  let end = 0;
  for (const match of text.matchAll(PLACEHOLDER_PATTERN)) {
    literal += text.slice(end, match.index);
    end = match.index + match[0].length;
    const variable = match[1];
    if (match[0] === "\\{{") {
      literal += "{{";
    } else if (variable === undefined) {
      throw new PlaceholderError(text.slice(match.index, match.index + SHOWN_CHARACTERS));
    } else {
      if (literal !== "") pieces.push(literal);
      pieces.push({ variable });
      literal = "";
    }
  }
  literal += text.slice(end);
  return literal === "" ? pieces : [...pieces, literal];
}
