/** Markup as tagged templates. Preact escapes every value: text of a run can never become markup here. */
import htm from "htm";
import { type ComponentChildren, h, type VNode } from "preact";

const template = htm.bind(h);

export type Children = ComponentChildren;

/** For templates with one root element. */
export function html(strings: TemplateStringsArray, ...values: unknown[]): VNode {
  const rendered = template(strings, ...values);
  if (Array.isArray(rendered)) throw new Error("A template needs one root element.");
  return rendered;
}
