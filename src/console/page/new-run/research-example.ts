/** A research run to try. */
import type { RunForm } from "./run-request.ts";

const QUESTION =
  "How far can the light of a lighthouse be seen from a small boat? Compare three lighthouses, and say for each whether the curve of the Earth or the strength of its lamp decides.";
const INSTRUCTIONS =
  "You are a researcher. Search the web and open the pages that you rely on. Compute with Python instead of in your head. Cite each page as a Markdown link in a short report.";

const PYTHON = `from math import sqrt
for name, height in {"Bell Rock": 28, "Eddystone": 41, "Cordouan": 60}.items():
    print(f"{name}: {2.08 * (sqrt(height) + sqrt(3)):.1f} nautical miles")`;
const REPORT = `## How far a lighthouse can be seen

From a small boat, with the eye 3 m above the water, the curve of the Earth hides a light beyond **2.08 × (√height + √eye)** nautical miles.

| Lighthouse | Height | Horizon |
| --- | ---: | ---: |
| Bell Rock | 28 m | 14.6 nmi |
| Eddystone | 41 m | 16.9 nmi |
| Cordouan | 60 m | 19.7 nmi |`;

export function researchExample(model: string): Partial<RunForm> {
  const common = { model, input: QUESTION, instructions: INSTRUCTIONS, runsPython: true, isBackground: true };
  if (!model.startsWith("simulator/")) return { ...common, searchesWeb: true, metadata: {} };
  return { ...common, searchesWeb: false, metadata: scriptFor() };
}

/** The simulator is no model: its steps and its answer are a script (docs/simulator.md). It has no search engine. */
function scriptFor(): Record<string, string> {
  return {
    "simulator.reasoning": "24",
    "simulator.delay_ms": "40",
    "simulator.step.1": JSON.stringify({ call: "code_interpreter", arguments: { code: PYTHON } }),
    "simulator.text": REPORT,
  };
}
