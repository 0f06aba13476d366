/** The program `background-responses` (docs/cli.md). */
import { Command, CommanderError } from "commander";
import { readRelease } from "../config/release.ts";
import { connectCli, type Cli, type ClientCli, type JsonFlag } from "./cli.ts";
import { cancel, deleteResponse } from "./commands/end.ts";
import { list, type ListFlags } from "./commands/list.ts";
import { listen, type ListenFlags } from "./commands/listen.ts";
import { report } from "./commands/report.ts";
import { show } from "./commands/show.ts";
import { submit, type SubmitFlags } from "./commands/submit.ts";
import type { ConnectionFlags } from "./connection.ts";
import { describeError, EXIT, UsageError } from "./exit-codes.ts";
import { followRun, type FollowFlags } from "./follow-run.ts";
import { Terminal } from "./terminal.ts";

interface GlobalFlags extends ConnectionFlags {
  verbose?: boolean;
}

const terminal = new Terminal(process.stdout, process.stderr);
const cli: Cli = { terminal, environment: process.env };
const program = new Command("background-responses");
const collect = (value: string, values: string[] = []): string[] => [...values, value];

function parseCursor(value: string): number {
  if (!/^\d+$/.test(value)) throw new UsageError(`--after ${value} is not the number of an event.`);
  return Number(value);
}

program
  .description("A server for the OpenAI Responses API whose runs are durable and resumable, and its client.")
  .version(readRelease())
  .option("--base-url <url>", "server, with /v1 (BACKGROUND_RESPONSES_URL, OPENAI_BASE_URL)")
  .option("--api-key <key>", "key of the project (BACKGROUND_RESPONSES_API_KEY, OPENAI_API_KEY)")
  .option("--verbose", "print the stack of an error")
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(text) })
  .showHelpAfterError("Run with --help for all commands and options.");

const connect = (): ClientCli => connectCli(cli, program.opts<GlobalFlags>());
/** The exit code does not end the process: what it has written still leaves. */
const exitWith = async (code: Promise<number | undefined>): Promise<void> => void (process.exitCode = await code);

/** A command of the client starts without the code of a server. */
const serve = async <T>(run: (commands: typeof import("./commands/serve.ts")) => Promise<T>): Promise<T> =>
  await run(await import("./commands/serve.ts"));

const JSON_FLAG = "--json";
const JSON_HELP = "JSON instead of words: one object, or one per line";

program
  .command("start")
  .description("run Redis, the API and a worker on this machine")
  .action(async () => await exitWith(serve(({ start }) => start(process.cwd()))));
program
  .command("api")
  .description("run an API process")
  .action(async () => await exitWith(serve(({ runProcessOf }) => runProcessOf("src/server"))));
program
  .command("worker")
  .description("run a worker")
  .action(async () => await exitWith(serve(({ runProcessOf }) => runProcessOf("workers/main"))));
program
  .command("doctor")
  .description("check the configuration, Redis, the providers and the workers, and say what to do")
  .option(JSON_FLAG, JSON_HELP)
  .action(async (flags: JsonFlag) => {
    const { doctor } = await import("./doctor/doctor.ts");
    const code = await doctor(cli, flags);
    // A connection to a Redis that is away retries forever.
    process.stdout.write("", () => process.exit(code));
  });
program
  .command("submit")
  .description("create a response from the words, --input, --file or stdin, and print its id")
  .argument("[input...]", "input; `-` is stdin")
  .option("-m, --model <name>", "model", "simulator/default")
  .option("-i, --input <text>", "input; `-` is stdin")
  .option("--file <path>", "file with the input")
  .option("--instructions <text>", "instructions")
  .option("-t, --tool <type>", "type of a tool, such as web_search, or its JSON; repeatable", collect)
  .option("--metadata <key=value>", "metadata; repeatable", collect)
  .option("--previous <id>", "response to continue from")
  .option("--conversation <id>", "conversation to continue")
  .option("--background", "return at once (the default)", true)
  .option("--no-background", "wait for the answer, and print it")
  .option("-f, --follow", "follow the run to its end")
  .option(JSON_FLAG, JSON_HELP)
  .action(async (words: string[], flags: SubmitFlags) => await exitWith(submit(connect(), words, flags)));
program
  .command("tail")
  .description("follow a run to its end, across lost connections")
  .argument("<id>")
  .option("--after <number>", "sequence number of the last event that you have", parseCursor)
  .option(JSON_FLAG, JSON_HELP)
  .action(async (id: string, flags: FollowFlags) => await exitWith(followRun(connect(), id, flags)));
program
  .command("list")
  .description("list the responses of the project, newest first")
  .option("-n, --limit <count>", "number of responses, up to 100", "20")
  .option("--order <order>", "`desc` or `asc`")
  .option("--after <id>", "only after this response in the list")
  .option("--before <id>", "only before this response in the list")
  .option("-s, --status <status>", "status; repeatable", collect)
  .option("-m, --model <name>", "model")
  .option("--waiting", "only those that wait for an approval")
  .option("--metadata <key=value>", "metadata; repeatable", collect)
  .option("--project <id>", "another project, or `*`; needs an admin key")
  .option(JSON_FLAG, JSON_HELP)
  .action(async (flags: ListFlags) => await exitWith(list(connect(), flags)));
const OF_ONE = [
  ["show", "show what a run does, waits for and has done", show],
  ["report", "print the answer as Markdown, with citations as footnotes", report],
  ["cancel", "cancel a run", cancel],
  ["delete", "cancel a run if it runs, and delete its response", deleteResponse],
] as const;
for (const [name, description, run] of OF_ONE) {
  program
    .command(name)
    .description(description)
    .argument("<id>")
    .option(JSON_FLAG, JSON_HELP)
    .action(async (id: string, flags: JsonFlag) => await exitWith(run(connect(), id, flags)));
}
program
  .command("webhooks")
  .description("webhooks of the project")
  .command("listen")
  .description("receive, verify and print webhooks on this machine, by an endpoint that exists as long as this runs")
  .option("-p, --port <port>", "port on this machine (0 = any free port)", "0")
  .option("--url <url>", "public URL that leads to the port, for a server on another machine")
  .option("--forward <url>", "URL that gets each event too; its status is the answer")
  .option("--event <type>", "type of events; repeatable", collect)
  .option(JSON_FLAG, JSON_HELP)
  .action(async (flags: ListenFlags) => await exitWith(listen(connect(), flags)));

/** The reader of the output has left, as `head` does. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(process.exitCode ?? EXIT.completed);
  });
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Help and the version are no errors.
    process.exitCode = error.exitCode === 0 ? EXIT.completed : EXIT.usage;
  } else {
    const flags = program.opts<GlobalFlags>();
    const { message, exitCode } = describeError(error, connectCli(cli, flags).baseUrl);
    terminal.showStatus("");
    terminal.note(`background-responses: ${message}`, "red");
    if (flags.verbose && error instanceof Error) terminal.note(error.stack ?? "");
    process.exitCode = exitCode;
  }
}
