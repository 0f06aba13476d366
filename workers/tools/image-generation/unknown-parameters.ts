/**
 * Finds the parameters that a service does not know. Services of one protocol know different ones
 * (https://github.com/vercel/ai/issues/6102, https://github.com/rikkahub/rikkahub/issues/1602), and a model's name does
 * not reveal them. So the first request has all parameters, and the next one drops those that the service rejected.
 */
export interface RejectedRequest {
  status: number | undefined;
  code: string | null | undefined;
  param: string | null | undefined;
  message: string;
}

/** Parameters of this server that only shape the answer. After any error about one, the request works without it. */
const ANSWER_PARAMETERS: ReadonlySet<string> = new Set(["response_format", "stream", "partial_images"]);
const REJECTION_STATUSES: ReadonlySet<number | undefined> = new Set([400, 422]);
/** Matches an unknown parameter, not an invalid value, which the client must correct. */
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

export function findUnknownParameters(rejection: RejectedRequest, sent: readonly string[]): string[] {
  if (!REJECTION_STATUSES.has(rejection.status)) return [];
  const text = `${rejection.param ?? ""} ${rejection.message}`;
  const named = sent.filter((name) => new RegExp(`(?<![\\w-])${name}(?![\\w-])`).test(text));
  const isUnknown = rejection.code === "unknown_parameter" || UNKNOWN_PARAMETER.test(rejection.message);
  return named.filter((name) => isUnknown || ANSWER_PARAMETERS.has(name));
}
