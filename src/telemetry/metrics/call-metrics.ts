/** Model calls and tool calls of this worker: their outcomes, what they took and what they used. */
import { Counter, Histogram, type Registry } from "prom-client";
import type { Usage } from "../../protocol/response.ts";
import { channels, type ModelCallReport } from "../channels.ts";
import {
  onEndHereAndRelayed as onEnd,
  onHereAndRelayed as on,
  onStartHereAndRelayed as onStart,
} from "../subscribe.ts";
import { BoundedValues, type ModelValues } from "./label-values.ts";
import { CALL_SECONDS, PREFIX } from "./names.ts";

export function collectModelCalls(
  registry: Registry,
  models: ModelValues,
  configured: readonly string[],
): (() => void)[] {
  const registers = [registry];
  const providers = new BoundedValues();
  const codes = new BoundedValues();
  const duration = new Histogram({
    name: `${PREFIX}model_call_duration_seconds`,
    help: "Duration of model calls with their retries, by provider, model and outcome.",
    labelNames: ["provider", "model", "status"],
    buckets: CALL_SECONDS,
    registers,
  });
  const firstEvent = new Histogram({
    name: `${PREFIX}model_call_first_event_seconds`,
    help: "Time from the begin of a model call to its first event.",
    labelNames: ["provider", "model"],
    buckets: CALL_SECONDS,
    registers,
  });
  const errors = new Counter({
    name: `${PREFIX}model_call_errors_total`,
    help: "Model calls that failed or were postponed after their retries, by the code of the error.",
    labelNames: ["provider", "code"],
    registers,
  });
  const retries = new Counter({
    name: `${PREFIX}retries_total`,
    help: "Tries of model calls that failed and were repeated.",
    labelNames: ["provider", "code"],
    registers,
  });
  const waits = new Counter({
    name: `${PREFIX}waits_total`,
    help: "Responses that returned to the queue until their provider has capacity.",
    labelNames: ["provider"],
    registers,
  });
  const silences = new Counter({
    name: `${PREFIX}model_call_silences_total`,
    help: "Silences of a provider during a model call, each counted after its first minute.",
    labelNames: ["provider"],
    registers,
  });
  const fallbacks = new Counter({
    name: `${PREFIX}fallbacks_total`,
    help: "Model calls that moved to a fallback, by the code of the error.",
    labelNames: ["code"],
    registers,
  });
  // So that a rate sees the first of them.
  for (const name of configured) {
    const provider = providers.of(name);
    waits.inc({ provider }, 0);
    silences.inc({ provider }, 0);
  }
  const observeUsage = countUsage(registry);
  const projects = new BoundedValues();
  const spendAlerts = new Counter({
    name: `${PREFIX}spend_alerts_total`,
    help: "Thresholds of a project's monthly spend that were passed.",
    labelNames: ["project"],
    registers,
  });
  const began = new WeakMap<ModelCallReport, number>();
  return [
    onStart(channels.modelCall, (call) => void began.set(call, performance.now())),
    onEnd(channels.modelCall, (call) => {
      const { providerModel, status = "failed", code } = call;
      if (status === "completed") models.prove(call.provider, providerModel);
      const model = models.ofProvider(call.provider, providerModel);
      const provider = providers.of(call.provider);
      const startedMs = began.get(call);
      if (startedMs !== undefined) {
        duration.observe({ provider, model, status }, (performance.now() - startedMs) / 1000);
      }
      if (call.firstEventMs !== undefined) firstEvent.observe({ provider, model }, call.firstEventMs / 1000);
      if (status === "failed" || status === "postponed") errors.inc({ provider, code: codes.of(code) });
      observeUsage(call, model);
    }),
    on(channels.retry, ({ provider, code }) => retries.inc({ provider: providers.of(provider), code: codes.of(code) })),
    on(channels.wait, ({ provider }) => waits.inc({ provider: providers.of(provider) })),
    on(channels.silence, ({ provider }) => silences.inc({ provider: providers.of(provider) })),
    on(channels.spendAlert, ({ project }) => spendAlerts.inc({ project: projects.of(project) })),
    on(channels.fallback, ({ code }) => fallbacks.inc({ code: codes.of(code) })),
  ];
}

function countUsage(registry: Registry): (call: ModelCallReport, model: string) => void {
  const registers = [registry];
  const projects = new BoundedValues();
  const tokens = new Counter({
    name: `${PREFIX}tokens_total`,
    help: "Tokens of model calls. `cached_input` is a part of `input`, and `reasoning` a part of `output`.",
    labelNames: ["project", "model", "type"],
    registers,
  });
  const cost = new Counter({
    name: `${PREFIX}cost_usd_total`,
    help: "Cost of model calls in US dollars, for models with a configured price.",
    labelNames: ["project", "model"],
    registers,
  });
  return ({ project: name, usage, costUsd }, model) => {
    const project = projects.of(name);
    for (const [type, count] of Object.entries(usage === undefined ? {} : countsOf(usage))) {
      if (count > 0) tokens.inc({ project, model, type }, count);
    }
    if (costUsd !== undefined && costUsd > 0) cost.inc({ project, model }, costUsd);
  };
}

function countsOf(usage: Usage): Record<string, number> {
  return {
    input: usage.input_tokens,
    cached_input: usage.input_tokens_details.cached_tokens,
    output: usage.output_tokens,
    reasoning: usage.output_tokens_details.reasoning_tokens,
  };
}

export function collectToolCalls(registry: Registry): (() => void)[] {
  const tools = new BoundedValues();
  const duration = new Histogram({
    name: `${PREFIX}tool_call_duration_seconds`,
    help: "Duration of calls of this server's tools, by kind of tool and outcome.",
    labelNames: ["tool", "outcome"],
    buckets: CALL_SECONDS,
    registers: [registry],
  });
  const began = new WeakMap<object, number>();
  return [
    onStart(channels.toolCall, (call) => void began.set(call, performance.now())),
    onEnd(channels.toolCall, (call) => {
      const startedMs = began.get(call);
      if (startedMs === undefined) return;
      const outcome = call.isError === false ? "completed" : "failed";
      duration.observe({ tool: tools.of(call.tool), outcome }, (performance.now() - startedMs) / 1000);
    }),
  ];
}
