/** The MCP servers of a new run. */
import { isChecked, valueOf } from "../ui/fields.ts";
import { html } from "../ui/html.ts";
import type { McpServer } from "./run-request.ts";

const NEW_SERVER: McpServer = { label: "", url: "", token: "", asksFirst: true };

interface McpServersProps {
  servers: readonly McpServer[];
  onChange: (servers: readonly McpServer[]) => void;
}

export function McpServers({ servers, onChange }: McpServersProps) {
  const change = (index: number, changes: Partial<McpServer>): void =>
    onChange(servers.map((server, i) => (i === index ? { ...server, ...changes } : server)));
  return html`<div>
    ${servers.map((server, i) => {
      return html`<fieldset key=${i} class="server">
        <legend>MCP server ${i + 1}</legend>
        <label class="field">
          Label
          <input
            required
            value=${server.label}
            onInput=${(event: Event) => change(i, { label: valueOf(event).trim() })}
          />
        </label>
        <label class="field">
          URL (empty for a server that the operator has configured)
          <input
            type="url"
            value=${server.url}
            onInput=${(event: Event) => change(i, { url: valueOf(event).trim() })}
          />
        </label>
        <label class="field">
          Access token (optional)
          <input
            type="password"
            autocomplete="off"
            value=${server.token}
            onInput=${(event: Event) => change(i, { token: valueOf(event).trim() })}
          />
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked=${server.asksFirst}
            onChange=${(event: Event) => change(i, { asksFirst: isChecked(event) })}
          />
          Ask before each call
        </label>
        <button type="button" onClick=${() => onChange(servers.filter((_server, other) => other !== i))}>Remove</button>
      </fieldset>`;
    })}
    <button type="button" onClick=${() => onChange([...servers, NEW_SERVER])}>Add an MCP server</button>
  </div>`;
}
