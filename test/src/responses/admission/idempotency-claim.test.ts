/** An Idempotency-Key whose requests come at the same moment, and are not all accepted (contract.md#idempotency). */
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
  return createAdmission(storage).admit({
    project: "default",
    request: { ...REQUEST, model },
    idempotencyKey,
    permit: { acquire, release: () => Promise.resolve() },
  });
}

const refuse = (): Promise<void> => Promise.reject(tooManyRequests(1, 60));

test("a request that is refused beside the one that is accepted leaves the key to that one", async () => {
  const { id } = await admit("refused beside", async () => {
    await expect(admit("refused beside", refuse)).rejects.toMatchObject({ status: 429 });
  });
  await expect(admit("refused beside", refuse)).resolves.toMatchObject({ id, isReplay: true });
});

test("a key whose first request is refused leads to what another made meanwhile", async () => {
  let made: string | undefined;
  const first = admit("refused first", async () => {
    ({ id: made } = await admit("refused first"));
    await refuse();
  });
  await expect(first).rejects.toMatchObject({ status: 429 });
  await expect(admit("refused first", refuse)).resolves.toMatchObject({ id: made, isReplay: true });
});

test("a key whose first request is refused leads to what another makes after that", async () => {
  const bound = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const first = admit("made after", async () => {
    bound.resolve();
    await goOn.promise;
    await refuse();
  });
  await bound.promise;
  const { id } = await admit("made after", async () => {
    goOn.resolve();
    await expect(first).rejects.toMatchObject({ status: 429 });
  });
  await expect(admit("made after", refuse)).resolves.toMatchObject({ id, isReplay: true });
});

test("a key whose only request is refused is free for another body", async () => {
  await expect(admit("free", refuse)).rejects.toMatchObject({ status: 429 });
  await expect(admit("free", undefined, "simulator/other")).resolves.toMatchObject({ isReplay: false });
});
