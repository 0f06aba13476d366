/**
 * A timeout of commands that counts only time in which this process ran. While its event loop is blocked nothing is sent
 * or read, and the timers that came due meanwhile run before the reply that lies in the socket: it would say that Redis is
 * away, of a Redis that answered at once.
 */
import type { Command } from "ioredis";

/** Between two slices the event loop has looked for replies. One that is blocked for however long costs one slice. */
const SLICES = 5;

/** What ioredis keeps of a command's timeout: it clears the timer when the command is settled. */
interface TimedCommand {
  _commandTimeoutTimer?: NodeJS.Timeout;
  isSettled: boolean;
  setTimeout(ms: number): void;
  reject(error: Error): void;
}

/** Before the command is sent, for ioredis sets its `commandTimeout` then. */
export function useRunningTimeout(command: Command): void {
  (command as unknown as TimedCommand).setTimeout = setRunningTimeout;
}

function setRunningTimeout(this: TimedCommand, ms: number): void {
  if (this._commandTimeoutTimer === undefined) waitSlice(this, ms / SLICES, SLICES);
}

function waitSlice(command: TimedCommand, sliceMs: number, left: number): void {
  command._commandTimeoutTimer = setTimeout(() => {
    if (command.isSettled) return;
    if (left > 1) waitSlice(command, sliceMs, left - 1);
    else command.reject(new Error("Command timed out"));
  }, sliceMs);
}
