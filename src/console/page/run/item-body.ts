/** The content of an item: arguments, results, sources, thoughts. All of it is untrusted text. */
import type { OutputItem } from "../../../protocol/item.ts";
import { type Children, html } from "../ui/html.ts";
import { clip, TextBox } from "../ui/text-box.ts";
import { toWebUrl } from "./citations.ts";

type ItemOf<T extends OutputItem["type"]> = Extract<OutputItem, { type: T }>;

const SHOWN_SOURCES = 100;
const IMAGE_TYPES: Readonly<Record<string, string>> = { png: "png", webp: "webp", jpeg: "jpeg", gif: "gif" };

/** Undefined for an item that its title says all about. */
export function ItemBody({ item }: { item: OutputItem }): Children {
  switch (item.type) {
    case "reasoning": {
      const texts = [...item.summary, ...(item.content ?? [])].map(({ text }) => text);
      return texts.length === 0 ? null : html`<div class="thought">${clip(texts.join("\n\n"), "end")}</div>`;
    }
    case "web_search_call":
      return html`<${Sources} item=${item} />`;
    case "file_search_call":
      return html`<${Fields} fields=${[["Results", item.results ?? undefined]]} />`;
    case "code_interpreter_call":
      return html`<${Python} item=${item} />`;
    case "image_generation_call":
      return html`<${Image} item=${item} />`;
    case "mcp_call":
      return html`<${Fields}
        fields=${[
          ["Arguments", item.arguments],
          ["Result", item.output ?? undefined],
          ["Error", item.error ?? undefined],
        ]}
      />`;
    case "mcp_approval_request":
      return html`<${Fields} fields=${[["Arguments", item.arguments]]} />`;
    case "mcp_list_tools":
      return html`<${Fields} fields=${[["Error", item.error ?? undefined]]} />`;
    case "function_call":
      return html`<${Fields} fields=${[["Arguments", item.arguments]]} />`;
    case "custom_tool_call":
      return html`<${Fields} fields=${[["Input", item.input]]} />`;
    case "shell_call":
      return html`<${Fields} fields=${[["Commands", item.action.commands.join("\n")]]} />`;
    case "shell_call_output":
    case "function_call_output":
    case "custom_tool_call_output":
      return html`<${Fields} fields=${[["Output", item.output]]} />`;
    default:
      return null;
  }
}

function Fields({ fields }: { fields: readonly [string, unknown][] }) {
  const shown = fields.filter(([, value]) => value !== undefined && value !== "");
  return html`<div class="fields">
    ${shown.map(([name, value]) => html`<${TextBox} key=${name} name=${name} text=${toText(value)} />`)}
  </div>`;
}

function Sources({ item }: { item: ItemOf<"web_search_call"> }) {
  const sources = item.action.type === "search" ? (item.action.sources ?? []) : [];
  if (sources.length === 0) return null;
  return html`<details class="found">
    <summary>${sources.length === 1 ? "1 page found" : `${sources.length} pages found`}</summary>
    <ul>
      ${sources.slice(0, SHOWN_SOURCES).map(({ url }, i) => html`<li key=${i}><${WebLink} address=${url} /></li>`)}
    </ul>
  </details>`;
}

/** Text, where the address is not one of the web. */
export function WebLink({ address }: { address: string }) {
  const url = toWebUrl(address);
  if (url === undefined) return html`<span>${address}</span>`;
  return html`<a href=${url.href} target="_blank" rel="noopener noreferrer">${address}</a>`;
}

function Python({ item }: { item: ItemOf<"code_interpreter_call"> }) {
  const logs = (item.outputs ?? []).flatMap((output) => (output.type === "logs" ? [output.logs] : []));
  const images = (item.outputs ?? []).flatMap((output) => (output.type === "image" ? [output.url] : []));
  return html`<div>
    <${Fields}
      fields=${[
        ["Code", item.code ?? undefined],
        ["Output", logs.length === 0 ? undefined : logs.join("\n")],
      ]}
    />
    ${images.filter(isInlineImage).map((url, i) => html`<img key=${i} src=${url} alt="Image that the code made" />`)}
  </div>`;
}

function Image({ item }: { item: ItemOf<"image_generation_call"> }) {
  const type = IMAGE_TYPES[item.output_format ?? "png"];
  if (item.result === null || type === undefined) return null;
  return html`<img
    src=${`data:image/${type};base64,${item.result}`}
    alt=${item.revised_prompt ?? "Generated image"}
  />`;
}

function isInlineImage(url: string): boolean {
  return /^data:image\/(?:png|webp|jpeg|gif);base64,/.test(url);
}

function toText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
