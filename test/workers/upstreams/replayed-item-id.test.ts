import { expect, test } from "vitest";
import { chooseItemId, isLoggedItem } from "../../../workers/upstreams/replayed-item-id.ts";

test("a replayed item gets a new id each time, and is known by all", () => {
  const item = { id: "msg_1", type: "message" };
  const used = new Set<string>();
  const ids = Array.from({ length: 4 }, () => {
    const id = chooseItemId(item, used);
    used.add(id);
    return id;
  });
  expect(new Set(ids).size).toBe(4);
  expect(ids[0]).toBe("msg_1");
  for (const id of ids) expect(isLoggedItem(item, used, new Set([id]))).toBe(true);
  expect(isLoggedItem({ id: "msg_2", type: "message" }, used, used)).toBe(false);
});
