/** Copies text, also on a page without TLS, where browsers offer no clipboard. */
import { useSignal } from "@preact/signals";
import { html } from "./html.ts";

const CONFIRMED_MS = 1500;

export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    return;
  } catch {
    // Without permission or TLS, a selection can still be copied.
  }
  const area = document.createElement("textarea");
  area.value = text;
  area.setAttribute("aria-hidden", "true");
  area.className = "off-screen";
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

/** `text` is asked for only when the button is pressed. */
export function CopyButton({ label, text }: { label: string; text: () => string | Promise<string> }) {
  const isCopied = useSignal(false);
  const copy = async (): Promise<void> => {
    await copyText(await text());
    isCopied.value = true;
    setTimeout(() => {
      isCopied.value = false;
    }, CONFIRMED_MS);
  };
  return html`<button type="button" onClick=${copy}>${isCopied.value ? "Copied" : label}</button>`;
}
