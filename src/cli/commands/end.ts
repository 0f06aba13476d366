/** `cancel` and `delete`. */
import type { ClientCli, JsonFlag } from "../cli.ts";

export async function cancel({ client, terminal }: ClientCli, id: string, { json }: JsonFlag): Promise<number> {
  const response = await client.responses.cancel(id);
  terminal.print(json ? JSON.stringify(response) : `${id} ${response.status}`);
  return 0;
}

export async function deleteResponse({ client, terminal }: ClientCli, id: string, { json }: JsonFlag): Promise<number> {
  await client.responses.delete(id);
  terminal.print(json ? JSON.stringify({ id, deleted: true }) : `${id} deleted`);
  return 0;
}
