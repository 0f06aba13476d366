/** URLs of webhook endpoints. Workers check the address before each try, because a name can lead elsewhere later. */
import { webhookUrlInvalid } from "../../lifecycle/errors/requests.ts";

/** Throws for a URL to which no webhook could be sent. */
export function checkWebhookUrl(text: string, allowsHttp: boolean): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isAllowed = url?.protocol === "https:" || (allowsHttp && url?.protocol === "http:");
  if (!isAllowed) throw webhookUrlInvalid(allowsHttp ? "an HTTP or HTTPS URL" : "an HTTPS URL");
  if (url.username !== "" || url.password !== "") throw webhookUrlInvalid("a URL without a user name or password");
}
