import { describe, expect, test } from "vitest";
import type { ContainerChange } from "../../../src/store/containers.ts";
import { openTestStorage } from "../../support/storage.ts";

const ID = "cntr_0123456789";
const bytes = new Uint8Array([0, 255, 10, 128]);
const cell = (code: string) => ({ code, files: [{ name: "in.bin", bytes }], durationMs: 1.5 });

const FIRST: ContainerChange = {
  baseVersion: 0,
  token: "first",
  seed: "seed",
  given: ["mark in.bin"],
  cellCount: 2,
  newCells: new Map([cell("a"), cell("b")].entries()),
  deletedCells: [],
  files: [
    { name: "in.bin", bytes },
    { name: "dir/ü.txt", bytes: new Uint8Array() },
  ],
  deletedFiles: [],
};
const NOTHING = { newCells: new Map(), deletedCells: [], files: [], deletedFiles: [] };

describe("a container", () => {
  test("is read as written, and updated by differences", async () => {
    await using storage = await openTestStorage();
    const { containers } = storage;
    expect(await containers.read("p", ID)).toBeUndefined();
    expect(await containers.write("p", ID, FIRST, 60)).toBe(true);
    const first = (await containers.read("p", ID))!;
    expect({ ...first, files: first.files.toSorted((a, b) => b.name.localeCompare(a.name)) }).toEqual({
      version: 1,
      seed: "seed",
      cells: [cell("a"), cell("b")],
      given: ["mark in.bin"],
      files: FIRST.files,
    });

    const second = {
      ...FIRST,
      ...NOTHING,
      baseVersion: 1,
      token: "second",
      cellCount: 3,
      newCells: new Map([[2, cell("c")]]),
    };
    const changed = { ...second, files: [{ name: "new", bytes }], deletedFiles: ["in.bin", "dir/ü.txt"] };
    expect(await containers.write("p", ID, changed, 60)).toBe(true);
    expect(await containers.read("p", ID)).toMatchObject({
      version: 2,
      cells: [cell("a"), cell("b"), cell("c")],
      files: [{ name: "new", bytes }],
    });

    const last = {
      ...FIRST,
      ...NOTHING,
      baseVersion: 2,
      token: "third",
      cellCount: undefined,
      deletedCells: [0, 1, 2],
    };
    expect(await containers.write("p", ID, last, 60)).toBe(true);
    expect(await containers.read("p", ID)).toMatchObject({ version: 3, cells: undefined });
    const fields = await storage.redis.hkeys(storage.layout.container(ID));
    expect(fields.filter((field) => field.startsWith("cell:"))).toEqual([]);
  });

  test("accepts only the holder of its newest version, and repeated writes", async () => {
    await using storage = await openTestStorage();
    const { containers } = storage;
    expect(await containers.write("p", ID, FIRST, 60)).toBe(true);
    expect(await containers.write("p", ID, FIRST, 60)).toBe(true);
    expect(await containers.readVersion("p", ID)).toBe(1);
    expect(await containers.write("p", ID, { ...FIRST, token: "late" }, 60)).toBe(false);
    expect(await containers.write("p", ID, { ...FIRST, baseVersion: 2, token: "early" }, 60)).toBe(false);
    expect(await containers.readVersion("p", ID)).toBe(1);
  });

  test("belongs to its project", async () => {
    await using storage = await openTestStorage();
    const { containers } = storage;
    await containers.write("p", ID, FIRST, 60);
    expect(await containers.read("other", ID)).toBeUndefined();
    expect(await containers.readVersion("other", ID)).toBeUndefined();
    expect(await containers.write("other", ID, { ...FIRST, baseVersion: 1, token: "x" }, 60)).toBe(false);
  });

  test("lives as long as the last response that used it", async () => {
    await using storage = await openTestStorage();
    const { containers, redis, layout } = storage;
    await containers.write("p", ID, FIRST, 1_000);
    await containers.write("p", ID, { ...FIRST, ...NOTHING, baseVersion: 1, token: "b" }, 10);
    expect(await redis.ttl(layout.container(ID))).toBeGreaterThan(900);
    await containers.write("p", ID, { ...FIRST, ...NOTHING, baseVersion: 2, token: "c" }, 5_000);
    expect(await redis.ttl(layout.container(ID))).toBeGreaterThan(4_000);
  });

  test.each(["cntr_", "cntr_a}:meta", "resp_1", ""])("is never named %j", async (id) => {
    await using storage = await openTestStorage();
    expect(await storage.containers.readVersion("p", id)).toBeUndefined();
    expect(await storage.containers.read("p", id)).toBeUndefined();
  });
});
