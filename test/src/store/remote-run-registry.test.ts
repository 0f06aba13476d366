import { expect, test } from "vitest";
import { openTestStorage } from "../../support/storage.ts";

test("remote runs are listed by page, and by response", async () => {
  await using storage = await openTestStorage();
  const { remoteRunRegistry } = storage;
  const entries = ["resp_1", "resp_10", "resp_2"].flatMap((responseId) =>
    ["a", "b c"].map((id) => ({ responseId, provider: "lab", id })),
  );
  await Promise.all(entries.map((entry) => remoteRunRegistry.add(entry)));
  const first = await remoteRunRegistry.list(undefined, 4);
  expect(first).toEqual(entries.slice(0, 4));
  expect(await remoteRunRegistry.list(first.at(-1), 4)).toEqual(entries.slice(4));
  expect(await remoteRunRegistry.listOfResponse("resp_1")).toEqual(entries.slice(0, 2));
  await remoteRunRegistry.remove(entries[1]!);
  expect(await remoteRunRegistry.listOfResponse("resp_1")).toEqual(entries.slice(0, 1));
});
