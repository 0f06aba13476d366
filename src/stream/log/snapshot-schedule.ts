/**
 * Decides when a writer stores a snapshot. A snapshot costs as much as the response is long, so one is due whenever the
 * log has grown by that much since the last. All snapshots together then cost no more than the log itself, and GET never
 * folds more than about half of it.
 */
import type { ResponseState } from "../../lifecycle/apply-event.ts";
import { type Snapshot, takeSnapshot } from "./snapshot.ts";

const MIN_BYTES = 64 * 1024;

export class SnapshotSchedule {
  #bytesSinceLast = 0;
  #dueBytes = MIN_BYTES;

  noteBytes(bytes: number): void {
    this.#bytesSinceLast += bytes;
  }

  /** `state` is the fold of the log up to sequence number `last`. */
  takeIfDue(state: ResponseState, last: number): Snapshot | undefined {
    if (this.#bytesSinceLast < this.#dueBytes) return undefined;
    const snapshot = takeSnapshot(state, last);
    this.#dueBytes = Math.max(MIN_BYTES, JSON.stringify(snapshot).length);
    this.#bytesSinceLast = 0;
    return snapshot;
  }
}
