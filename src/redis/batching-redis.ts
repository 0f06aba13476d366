/**
 * A connection whose commands of one turn of the event loop leave in one write. An API process answers many requests in a
 * turn, each with a few commands, and a system call for each of them was what accepting a response cost most.
 *
 * ioredis has `enableAutoPipelining` for this. It makes a pipeline of them, which costs as much as it saves here, and
 * more where there is one command only: compare by `node test/bench/main.ts accept`.
 */
import { Redis } from "ioredis";
import { countRunningTime } from "./running-timeout.ts";

export class BatchingRedis extends Redis {
  #isHeld = false;

  override sendCommand(...[command, stream]: Parameters<Redis["sendCommand"]>): unknown {
    this.#holdWrites();
    countRunningTime(command);
    return super.sendCommand(command, stream);
  }

  /** Until whatever has arrived by now was taken care of: `setImmediate` comes right behind it. */
  #holdWrites(): void {
    // There is none before the first connection.
    const socket = this.stream as Redis["stream"] | undefined;
    if (this.#isHeld || socket === undefined) return;
    this.#isHeld = true;
    socket.cork();
    setImmediate(() => {
      this.#isHeld = false;
      socket.uncork();
    });
  }
}
