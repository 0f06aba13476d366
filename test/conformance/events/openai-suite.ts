/** Every event through an official client: raw, resumed, and through the helper that assembles the response. */
import { beforeAll, describe, expect, test } from "vitest";
import type OpenAI from "openai";
import { EVERY_KIND, type Kind } from "../../support/every-item.ts";
import { type Fixture, type OfficialClient, openClient } from "../clients/clients.ts";
import { collect, errorOf, type StreamEvent, withoutSnapshot } from "../clients/requests.ts";
import { NEVER_SENT, ofType, SENT } from "./event-types.ts";
import { type Ending, modelOf, NEWER_MODEL } from "./provider.ts";

/** Version 6.49 predates these. It passes them on, but its helper throws at them. */
const UNKNOWN_TO_6: Record<string, Kind> = {
  "response.compaction.compacting": "compaction",
  "response.shell_call_command.added": "shell_call",
  "response.shell_call_command.delta": "shell_call",
  "response.shell_call_command.done": "shell_call",
  "response.shell_call_output_content.delta": "shell_call_output",
  "response.shell_call_output_content.done": "shell_call_output",
};

const RUNS: [Kind[], Ending][] = [
  [EVERY_KIND, "completed"],
  [["message"], "incomplete"],
  [["message"], "failed"],
  [["message"], "error"],
];

interface Recording {
  response: OpenAI.Responses.Response;
  created: StreamEvent[];
  /** The same response, read again in two halves. */
  resumed: StreamEvent[];
}

export function testOpenAi(name: string, official: OfficialClient, fixture: Fixture): void {
  const unknown = name === "openai 6" ? UNKNOWN_TO_6 : {};
  const unknownKinds = new Set(Object.values(unknown));
  const helperKinds = EVERY_KIND.filter((kind) => !unknownKinds.has(kind));
  let client: OpenAI;
  let recordings: Recording[];
  let helped: StreamEvent[];
  let final: OpenAI.Responses.Response;

  const request = (kinds: readonly Kind[], ending: Ending) => ({
    model: modelOf(kinds, ending),
    input: "Hello",
    background: true,
  });

  async function record(kinds: readonly Kind[], ending: Ending): Promise<Recording> {
    const created = await collect(await client.responses.create({ ...request(kinds, ending), stream: true }));
    const { id } = (created[0] as OpenAI.Responses.ResponseCreatedEvent).response;
    const middle = created[Math.floor(created.length / 2)]!.sequence_number;
    const tail = await collect(await client.responses.retrieve(id, { stream: true, starting_after: middle }));
    const head = await collect(await client.responses.retrieve(id, { stream: true }));
    const response = await client.responses.retrieve(id);
    return { response, created, resumed: [...head.slice(0, middle + 1), ...tail] };
  }

  /** Through a handler for each type. */
  async function help(kinds: readonly Kind[], ending: Ending): Promise<OpenAI.Responses.Response> {
    const helper = client.responses.stream(request(kinds, ending));
    for (const type of SENT) helper.on(type as "response.created", (event) => void helped.push(event));
    return await helper.finalResponse();
  }

  beforeAll(async () => {
    client = openClient(official, fixture);
    helped = [];
    recordings = await Promise.all(RUNS.map(([kinds, ending]) => record(kinds, ending)));
    [final] = (await Promise.all(
      RUNS.map(([kinds, ending]) => help(kinds === EVERY_KIND ? helperKinds : kinds, ending)),
    )) as [OpenAI.Responses.Response];
  });

  const createdEvents = () => recordings.flatMap(({ created }) => created);

  test.each(SENT.filter((type) => !(type in unknown)))(
    "event %s: is created, resumed and accepted by the helper",
    (type) => {
      const created = ofType(createdEvents(), type);
      expect(created.length).toBeGreaterThan(0);
      expect(
        ofType(
          recordings.flatMap(({ resumed }) => resumed),
          type,
        ),
      ).toEqual(created);
      expect(ofType(helped, type).length).toBeGreaterThan(0);
    },
  );

  test.each(Object.entries(unknown))(
    "event %s: is created and resumed; its helper does not know it",
    async (type, kind) => {
      const created = ofType(createdEvents(), type);
      expect(created.length).toBeGreaterThan(0);
      expect(
        ofType(
          recordings.flatMap(({ resumed }) => resumed),
          type,
        ),
      ).toEqual(created);
      const error = await errorOf(client.responses.stream(request([kind], "completed")).finalResponse());
      expect(String(error)).toContain("Unhandled response stream event");
    },
  );

  test.each(NEVER_SENT)("event %s: is dropped, though the provider sends it", (type) => {
    expect(ofType(createdEvents(), type)).toEqual([]);
    expect(recordings.map(({ response }) => response.status)).toEqual(["completed", "incomplete", "failed", "failed"]);
    expect(recordings.at(-1)!.response.error).toMatchObject({ code: "server_error", message: "It broke." });
  });

  test("the helper passes on recorded events one by one", async () => {
    const { created, response } = await record(helperKinds, "completed");
    const helper = client.responses.stream({ response_id: response.id });
    expect((await collect(helper)).map(withoutSnapshot)).toEqual(created);
    expect(await helper.finalResponse()).toMatchObject(response);
  });

  test("an unknown kind of item is passed on unchanged", async () => {
    const final = await client.responses.stream({ model: NEWER_MODEL, input: "Hello" }).finalResponse();
    expect(final).toMatchObject({ status: "completed", output: [{ type: "time_travel_call", year: 1885 }] });
  });

  describe("every kind of item", () => {
    const doneOf = (kind: Kind) =>
      ofType(recordings[0]!.created, "response.output_item.done").flatMap((event) =>
        "item" in event && event.item?.type === kind ? [event.item] : [],
      );

    test.each(EVERY_KIND)("output item %s: is the same in GET, in POST and in the helper", async (kind) => {
      const done = doneOf(kind);
      expect(done.length).toBeGreaterThan(0);
      expect(recordings[0]!.response.output.filter(({ type }) => type === kind)).toMatchObject(done);
      // Reasoning alone is no answer: the model would be called again.
      const kinds: Kind[] = kind === "reasoning" ? [kind, "message"] : [kind];
      const posted = await client.responses.parse({ model: modelOf(kinds), input: "Hello" });
      expect(posted.output.filter(({ type }) => type === kind).map(withoutId)).toMatchObject(done.map(withoutId));
      expect(new Set(posted.output.map(({ type }) => type))).toEqual(new Set(kinds));
      if (unknownKinds.has(kind)) return;
      expect(final.output.filter(({ type }) => type === kind).map(withoutId)).toMatchObject(done.map(withoutId));
    });
  });
}

function withoutId(item: object): object {
  const { id: _, ...rest } = item as { id?: string };
  return rest;
}
