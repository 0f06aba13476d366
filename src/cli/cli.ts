/** What every command gets. */
import { type Connection, type ConnectionFlags, connectTo } from "./connection.ts";
import type { Terminal } from "./terminal.ts";

export interface Cli {
  terminal: Terminal;
  environment: NodeJS.ProcessEnv;
}

export interface JsonFlag {
  json?: boolean;
}

/** A command that talks to a server. */
export interface ClientCli extends Cli, Connection {}

export function connectCli(cli: Cli, flags: ConnectionFlags): ClientCli {
  return { ...cli, ...connectTo(flags, cli.environment) };
}
