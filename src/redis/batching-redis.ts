/**
 * A connection that sends all commands of one round of the event loop in one write. An API process answers many
 * requests per round, each with a few commands, and one system call per command dominated the cost of accepting a
 * response. The alternative in ioredis, `enableAutoPipelining`, costs as much as it saves here, and more for single
 * commands: compare with `node test/bench/main.ts accept`.
 */
import { Redis } from "ioredis";
import { useRunningTimeout } from "./running-timeout.ts";

export class BatchingRedis extends Redis {
  #isCorked = false;

  override sendCommand(...[command, stream]: Parameters<Redis["sendCommand"]>): unknown {
    this.#corkWrites();
    useRunningTimeout(command);
    return super.sendCommand(command, stream);
  }

  /** Holds writes back until everything that has arrived is processed: `setImmediate` runs right after it. */
  #corkWrites(): void {
    // Undefined before the first connection.
    const socket = this.stream as Redis["stream"] | undefined;
    if (this.#isCorked || socket === undefined) return;
    this.#isCorked = true;
    socket.cork();
    setImmediate(() => {
      this.#isCorked = false;
      socket.uncork();
    });
  }
}
