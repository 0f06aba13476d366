/**
 * A connection whose commands of one turn of the event loop leave in one write. An API process answers many requests in a
 * turn, each with a few commands, and a system call for each of them was what accepting a response cost most.
 *
 * ioredis has `enableAutoPipelining` for this. It makes a pipeline of them, which costs as much as it saves here, and
 * more where there is one command only: compare by `node test/bench/main.ts accept`.
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

  /** Until whatever has arrived by now was taken care of: `setImmediate` comes right behind it. */
  #corkWrites(): void {
    // There is none before the first connection.
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
