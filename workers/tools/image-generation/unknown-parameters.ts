/**
 * Which of the parameters that were sent a service says that it does not know. Services of one protocol know different ones
 * (https://github.com/vercel/ai/issues/6102, https://github.com/rikkahub/rikkahub/issues/1602), and a model's name does not
 * say which: so they are asked with all, and once more without those that they refuse.
 */
export interface RejectedRequest {
  status: number | undefined;
  code: string | null | undefined;
  param: string | null | undefined;
  message: string;
}

/** This server's own, for how an answer comes: whatever is said about one, an answer without it is as good. */
const OWN_PARAMETERS: ReadonlySet<string> = new Set(["response_format", "stream", "partial_images"]);
const REJECTION_STATUSES: ReadonlySet<number | undefined> = new Set([400, 422]);
/** That a parameter is not known, and not that its value is wrong: that is for the client to read. */
const UNKNOWN_PARAMETER = new RegExp(
  [
    "unknown[ _-](parameter|argument|field|name|key|property)",
    "unrecogni[sz]ed",
    "unexpected (keyword|parameter|argument|field|key|property)",
    "(un|not )supported[ _-]?(parameter|argument|field|option|param)",
    "unsupportedparams",
    "(parameter|argument|field|option|setting)s?\\b[^.]{0,80}\\b(not|n't) (supported|allowed|permitted|recogni[sz]ed)",
    "extra[ _](inputs?|fields?|forbidden)",
    "extra_forbidden",
    "additional propert",
    "cannot find field",
  ].join("|"),
  "i",
);

export function findUnknownParameters(refusal: RejectedRequest, sent: readonly string[]): string[] {
  if (!REJECTION_STATUSES.has(refusal.status)) return [];
  const words = `${refusal.param ?? ""} ${refusal.message}`;
  const named = sent.filter((name) => new RegExp(`(?<![\\w-])${name}(?![\\w-])`).test(words));
  const isUnknown = refusal.code === "unknown_parameter" || UNKNOWN_PARAMETER.test(refusal.message);
  return named.filter((name) => isUnknown || OWN_PARAMETERS.has(name));
}
