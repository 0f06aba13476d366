/** Runs of a response with tools in this process, against a real Redis, and an upstream that records its input. */
import type { Logger } from "pino";
import type { ResolvedRequest } from "../../src/protocol/create-request.ts";
import type { ResolvedModel } from "../../src/providers/catalog.ts";
import type { StoredInputItem } from "../../src/protocol/item.ts";
import type { Response } from "../../src/protocol/response.ts";
import { sealSecrets } from "../../src/responses/content/request-secrets.ts";
import type { ModelInput } from "../../src/responses/conversations/model-input.ts";
import type { Storage } from "../../src/responses/storage.ts";
import { newId } from "../../src/protocol/id.ts";
import { sequenceEvents } from "../../src/stream/log/event-log.ts";
import { newResponse, createOpeningEvents } from "../../src/lifecycle/new-response.ts";
import type { RemoteRunTracker } from "../../workers/remote/remote-run-tracker.ts";
import type { AttemptControl } from "../../workers/attempt/attempt.ts";
import { runResponse } from "../../workers/run/run-response.ts";
import type { ToolKind } from "../../workers/tools/tool.ts";
import { ServerTools } from "../../workers/tools/registry.ts";
import { SimulatorUpstream } from "../../workers/upstreams/simulator/simulator.ts";
import type { Upstream, UpstreamCall } from "../../workers/upstreams/upstream.ts";
import { readConfig } from "../../src/config/config.ts";
import { sampleRecord } from "./samples.ts";
import { expectLegal, expectOneTerminal } from "./subscriber.ts";
import { silentLogger } from "./storage.ts";

const CONFIG = readConfig({});

/** The simulator, and every conversation that it was called with. */
export class RecordingUpstream implements Upstream {
  readonly calls: UpstreamCall[] = [];
  readonly #simulator = new SimulatorUpstream();

  run(call: UpstreamCall, signal: AbortSignal) {
    this.calls.push(call);
    return this.#simulator.run(call, signal);
  }
}

/** A request whose model makes these steps in order, then answers. */
export function scriptSteps(...steps: object[]): Record<string, string> {
  const entries = steps.map((step, i) => [`simulator.step.${i + 1}`, JSON.stringify(step)]);
  return { "simulator.delay_ms": "0", "simulator.text": "All done.", ...Object.fromEntries(entries) };
}

/** The response's history and request items. */
export interface PriorContext {
  ancestors?: string[];
  input?: StoredInputItem[];
  purpose?: "compact";
  /** Whether the input is complete. Otherwise it follows a short user message. */
  isWhole?: boolean;
}

export async function createResponse(
  storage: Storage,
  request: Partial<ResolvedRequest>,
  { ancestors = [], input = [], purpose, isWhole = false }: PriorContext = {},
): Promise<string> {
  const id = newId("resp");
  const whole: ResolvedRequest = { model: "simulator/default", background: true, ...request };
  const events = sequenceEvents(0, createOpeningEvents(newResponse(id, whole, 1_700_000_000)));
  const message = { type: "message" as const, role: "user" as const, content: "Go", id: newId("msg") };
  await storage.inFlight.add(id, Date.now());
  const project = "default";
  const sealed = { request: await sealSecrets(storage.sealer, project, whole), ancestors, ...(purpose && { purpose }) };
  await storage.records.create(
    sampleRecord({ id, project, events, input: isWhole ? input : [message, ...input], request: sealed }),
  );
  return id;
}

export interface RunSetup {
  storage: Storage;
  kinds: ToolKind[];
  upstream: Upstream;
  /** The simulator's by default. */
  resolved?: ResolvedModel;
  maxToolCalls?: number;
  maxWaits?: number;
  contextWindow?: number;
  remoteRuns?: RemoteRunTracker;
  streamsCalls?: boolean;
  isStrict?: boolean;
  /** Default: logs nothing. */
  logger?: Logger;
}

const DEFAULTS = {
  maxToolCalls: 100,
  maxWaits: 0,
  unknownWaitMs: 0,
  findMissingTool: () => undefined,
  streamsCalls: false,
  isStrict: true,
  logger: silentLogger,
};

export async function runOnce(setup: RunSetup, id: string, control: AttemptControl) {
  const { kinds, upstream, contextWindow, remoteRuns } = setup;
  const resolved = setup.resolved ?? {
    provider: { name: "simulator", kind: "simulator" as const },
    model: "default",
    contextWindow,
  };
  const dependencies = {
    ...DEFAULTS,
    ...setup,
    upstreams: { find: () => ({ upstream, resolved }) },
    serverTools: new ServerTools(CONFIG, kinds),
    // No test of tools names a file.
    inputFiles: { load: async (input: ModelInput) => await Promise.resolve({ input, seen: input }) },
    maxAttempts: 1_000,
    remoteRuns,
    workerName: "test",
  };
  return (await runResponse(dependencies, id, control, () => {})).kind;
}

/** The final response, once its log is legal and has one end. */
export async function finalResponse(storage: Storage, id: string): Promise<{ response: Response; log: string[] }> {
  const log = (await storage.visibleLogReader.read(id, 0, 100_000)).map(({ data }) => data);
  expectLegal(log);
  return { response: expectOneTerminal(log), log };
}
