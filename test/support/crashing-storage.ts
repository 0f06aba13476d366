import type { Storage } from "../../src/responses/storage.ts";
import type { AttemptControl } from "../../workers/attempt/attempt.ts";

/** Storage that counts its writes, and stops the run before a given one, as if the process crashed there. */
export function crashingStorage(storage: Storage, control: AttemptControl, step: () => boolean): Storage {
  const dying = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (object, key) => {
        const value: unknown = Reflect.get(object, key, object);
        if (typeof value !== "function") return value;
        return (...args: unknown[]): unknown => {
          if (step()) control.stop("lock-lost");
          // A crashed process sends nothing more.
          if (control.writing.aborted) return Promise.reject(control.writing.reason as Error);
          return Reflect.apply(value, object, args);
        };
      },
    });
  return { ...storage, log: dying(storage.log), journals: dying(storage.journals) };
}
