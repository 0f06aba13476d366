/** Values of form controls. */

/** The text that a user typed or chose. */
export function valueOf(event: Event): string {
  const { currentTarget: control } = event;
  if (
    control instanceof HTMLInputElement ||
    control instanceof HTMLTextAreaElement ||
    control instanceof HTMLSelectElement
  ) {
    return control.value;
  }
  return "";
}

export function isChecked(event: Event): boolean {
  return event.currentTarget instanceof HTMLInputElement && event.currentTarget.checked;
}
