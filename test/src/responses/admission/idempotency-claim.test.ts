/** Requests that use one Idempotency-Key at the same moment, some of them rejected (contract.md#idempotency). */
import { afterAll, beforeAll, expect, test } from "vitest";
import { tooManyRequests } from "../../../../src/lifecycle/errors/limits.ts";
import { createAdmission } from "../../../support/admission.ts";
import { REQUEST } from "../../../support/samples.ts";
import { openTestStorage, type TestStorage } from "../../../support/storage.ts";

let storage: TestStorage;
beforeAll(async () => {
  storage = await openTestStorage();
});
afterAll(async () => await storage[Symbol.asyncDispose]());

/** `acquire` is called once a request has its id, right before its response is created. */
function admit(idempotencyKey: string, acquire: () => Promise<void> = () => Promise.resolve(), model = REQUEST.model) {
  const { records } = storage;
  const delayed = new Proxy(records, {
    get(target, name: keyof typeof records) {
      const value = target[name];
      if (name !== "acceptInOneStep") return typeof value === "function" ? value.bind(target) : value;
      return async (...step: Parameters<typeof records.acceptInOneStep>) => {
        await acquire();
        return await target.acceptInOneStep(...step);
      };
    },
  });
  return createAdmission({ ...storage, storage: { ...storage.storage, records: delayed } }).admit({
    project: "default",
    request: { ...REQUEST, model },
    idempotencyKey,
  });
}

const reject = (): Promise<void> => Promise.reject(tooManyRequests(1, 60));

test("a rejected request leaves the key to the accepted one beside it", async () => {
  const { id } = await admit("rejected beside", async () => {
    await expect(admit("rejected beside", reject)).rejects.toMatchObject({ status: 429 });
  });
  await expect(admit("rejected beside", reject)).resolves.toMatchObject({ id, isReplay: true });
});

test("a key whose first request is rejected leads to a concurrent response", async () => {
  let concurrentId: string | undefined;
  const first = admit("rejected first", async () => {
    ({ id: concurrentId } = await admit("rejected first"));
    await reject();
  });
  await expect(first).rejects.toMatchObject({ status: 429 });
  await expect(admit("rejected first", reject)).resolves.toMatchObject({ id: concurrentId, isReplay: true });
});

test("a key whose first request is rejected leads to a later response", async () => {
  const bound = Promise.withResolvers<void>();
  const resume = Promise.withResolvers<void>();
  const first = admit("accepted after", async () => {
    bound.resolve();
    await resume.promise;
    await reject();
  });
  await bound.promise;
  const { id } = await admit("accepted after", async () => {
    resume.resolve();
    await expect(first).rejects.toMatchObject({ status: 429 });
  });
  await expect(admit("accepted after", reject)).resolves.toMatchObject({ id, isReplay: true });
});

test("a key whose only request is rejected accepts another body", async () => {
  await expect(admit("free", reject)).rejects.toMatchObject({ status: 429 });
  await expect(admit("free", undefined, "simulator/other")).resolves.toMatchObject({ isReplay: false });
});
