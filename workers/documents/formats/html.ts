/** Reads HTML as web pages are read: the article if there is one, or else all text. */
import { extractPage } from "../html/extract-page.ts";
import type { FormatReader } from "../process/format-reader.ts";

const NO_URL = "about:blank";

// oxlint-disable-next-line typescript/require-await -- the contract is asynchronous
export const readHtml: FormatReader = async ({ bytes, request, text }) => {
  const { charset, url = NO_URL, limits } = request;
  // One character more shows that the text is longer.
  const page = extractPage({ bytes, charset, url }, limits.maxTextLength + 1);
  text.writeMarkdown(page.text);
  const { title, published, refresh, canonical, isMadeByScripts } = page;
  return {
    title: title === "" ? undefined : title,
    html: { published, refresh, canonical, isMadeByScripts },
  };
};
