/** Names of schemas in the document. */

/** `response.output_text.delta` → `ResponseOutputTextDelta`, `inputMessageSchema` → `InputMessageSchema`. */
export function pascalCase(text: string): string {
  return text.replaceAll(/(?:^|[._])([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}

export function eventSchemaName(type: string): string {
  return `${pascalCase(type)}Event`;
}
