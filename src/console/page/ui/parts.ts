/** Small parts that several pages share. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { ResponseStatus } from "../../../protocol/response.ts";
import { messageOf } from "../api/requests.ts";
import { describeStatus } from "../words/statuses.ts";
import { formatDateTime } from "../words/durations.ts";
import { type Children, html } from "./html.ts";

export function StatusBadge({ status }: { status: ResponseStatus }) {
  return html`<span class=${`badge ${status}`}>${describeStatus(status)}</span>`;
}

export function Problem({ children }: { children?: Children }) {
  return html`<p class="problem" role="alert">${children}</p>`;
}

export function Empty({ children }: { children?: Children }) {
  return html`<p class="empty">${children}</p>`;
}

/** A time with its full date as title. */
export function Time({ ms, children }: { ms: number; children?: Children }) {
  const date = new Date(ms);
  return html`<time datetime=${date.toISOString()} title=${formatDateTime(ms)}
    >${children ?? formatDateTime(ms)}</time
  >`;
}

interface ActionProps {
  label: string;
  /** Asked before it is done, for what cannot be undone. */
  confirm?: string;
  kind?: "primary" | "danger";
  isDisabled?: boolean;
  /** Its error is shown beside the button. */
  action: () => Promise<unknown>;
}

/** A button that does something at the server, once at a time. */
export function Action({ label, confirm, kind, isDisabled = false, action }: ActionProps) {
  const isBusy = useSignal(false);
  const error = useSignal<string | undefined>(undefined);
  const isAsking = useSignal(false);
  const run = async (): Promise<void> => {
    isAsking.value = false;
    isBusy.value = true;
    error.value = undefined;
    try {
      await action();
    } catch (caught) {
      error.value = messageOf(caught);
    }
    isBusy.value = false;
  };
  const press = (): void => {
    if (confirm === undefined) void run();
    else isAsking.value = true;
  };
  return html`<span class="action">
    <button type="button" class=${kind ?? ""} disabled=${isDisabled || isBusy.value} onClick=${press}>${label}</button>
    ${error.value !== undefined && html`<span class="problem" role="alert">${error.value}</span>`}
    ${
      isAsking.value &&
      html`<${Dialog} title=${label} onClose=${() => (isAsking.value = false)}>
        <p>${confirm}</p>
        <p class="buttons">
          <button type="button" class=${kind ?? "primary"} onClick=${run}>${label}</button>
          <button type="button" onClick=${() => (isAsking.value = false)}>Keep it</button>
        </p>
      <//>`
    }
  </span>`;
}

interface DialogProps {
  title: string;
  onClose: () => void;
  children?: Children;
}

/** A modal dialog of the browser: it keeps the focus, closes by Escape and returns the focus. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return html`<dialog ref=${element} aria-label=${title} onClose=${onClose}>
    <h2>${title}</h2>
    ${children}
  </dialog>`;
}

/** A secret that the server shows once. */
export function OneTimeSecret({ label, value }: { label: string; value: string }) {
  return html`<div class="secret" role="status">
    <p><strong>${label}</strong> Copy it now: the server does not show it again.</p>
    <code tabindex="0">${value}</code>
  </div>`;
}
