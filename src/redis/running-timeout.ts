/**
 * A command timeout that counts only time in which this process runs. While the event loop is blocked, nothing is sent
 * or read, and overdue timers fire before waiting replies are read: an ordinary timeout would report an outage of a
 * Redis that answered at once.
 */
import type { Command } from "ioredis";

/**
 * The event loop reads replies between two slices. A blocked event loop costs one slice, however long it is blocked.
 */
const SLICES = 5;

/** The timer that ioredis keeps for a command and clears when the command settles. */
interface TimedCommand {
  _commandTimeoutTimer?: NodeJS.Timeout;
  isSettled: boolean;
  setTimeout(ms: number): void;
  reject(error: Error): void;
}

/** Call it before the command is sent, because ioredis sets its `commandTimeout` then. */
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
