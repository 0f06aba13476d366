/** The limits of JSON input, and the error for input that cannot be read. */

/** Limits of the input, checked before anything larger is built. */
export interface JsonLimits {
  /** Maximum nesting of arrays and objects. */
  depth: number;
  /** Maximum fields of one object. */
  fields: number;
  /** Maximum values and field names in total. */
  values: number;
}

/** The text is not JSON in UTF-8, or exceeds a limit. */
export class JsonReadError extends Error {
  override readonly name = "JsonReadError";
  readonly reason: "malformed" | keyof JsonLimits;

  constructor(reason: JsonReadError["reason"]) {
    super(reason === "malformed" ? "This is not JSON in UTF-8." : `The JSON exceeds the bound of its ${reason}.`);
    this.reason = reason;
  }
}
