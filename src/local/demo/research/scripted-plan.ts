/** The script of the simulator: a researcher's steps and the report, as metadata of the request. */
import { ADD_NOTE, LOOK_UP } from "./almanac.ts";
import { LIGHTS } from "./pages.ts";

export const QUESTION = "Which sea lights does the curve of the Earth hide, and which ones are just too weak?";
export const LABEL = "almanac";

/** Maximum length of a metadata value. */
const MAX_VALUE_LENGTH = 512;
const DELAY_MS = "20";

const PYTHON = `from math import sqrt
lights = {"Bell Rock": (28, 18), "Eddystone": (41, 17), "Skerryvore": (46, 23), "Cordouan": (60, 19), "Tower of Hercules": (104, 23)}
for name, (height, lamp) in lights.items():
    curve = 2.08 * (sqrt(height) + sqrt(3))
    print(f"{name}: curve {curve:.1f}, lamp {lamp}")
print(f"Bell Rock needs {(18 / 2.08 - sqrt(3)) ** 2:.1f} m")`;

const call = (name: string, args: object) => ({ call: name, arguments: args });
const open = (url: string) => call("open_page", { url });

export function createScriptedPlan(web: string): Record<string, string> {
  const steps = [
    call("web_search", {
      query: "how far away can a lighthouse be seen",
      queries: ["geographic and nominal range of a light", "height of lighthouses above high water"],
    }),
    [open(`${web}/geographic-range`), open(`${web}/nominal-range.pdf`)],
    ["bell-rock", "skerryvore", "cordouan", "tower-of-hercules"].map((name) => open(`${web}/${name}`)),
    call("find_in_page", { url: `${web}/eddystone`, pattern: "above high water" }),
    [
      call(`${LABEL}__${ADD_NOTE}`, { text: "Five heights read; the ranges of the lamps are missing." }),
      call(`${LABEL}__${LOOK_UP}`, { names: Object.keys(LIGHTS) }),
    ],
    call("python", { code: PYTHON }),
  ];
  return {
    "simulator.delay_ms": DELAY_MS,
    ...Object.fromEntries(steps.map((step, i) => [`simulator.step.${i + 1}`, JSON.stringify(step)])),
    ...Object.fromEntries(
      splitIntoValues(reportText(web)).map((part, i) => [i === 0 ? "simulator.text" : `simulator.text.${i + 1}`, part]),
    ),
  };
}

function splitIntoValues(text: string): string[] {
  const characters = Array.from(text);
  const count = Math.ceil(characters.length / MAX_VALUE_LENGTH);
  return Array.from({ length: count }, (_, i) =>
    characters.slice(i * MAX_VALUE_LENGTH, (i + 1) * MAX_VALUE_LENGTH).join(""),
  );
}

/** The figures are those that the Python code above prints. */
function reportText(web: string): string {
  return `From a small boat, with the eye 3 m above the water, three of the five lights sink behind the horizon; the other two fade before they reach it.

Two distances compete. The curve of the Earth hides a light beyond its [geographic range](${web}/geographic-range), 2.08 × (√height + √eye) nautical miles. Its lamp carries as far as its [nominal range](${web}/nominal-range.pdf#page=1) in air of ten miles' visibility. The shorter one [decides](${web}/nominal-range.pdf#page=3):

- [Bell Rock](${web}/bell-rock), 28 m: hidden at 14.6 miles, though its lamp carries 18.
- [Eddystone](${web}/eddystone), 41 m: hidden at 16.9, a breath before its lamp gives out at 17.
- [Skerryvore](${web}/skerryvore), 46 m: hidden at 17.7, though its lamp carries 23.
- [Cordouan](${web}/cordouan), 60 m: fades at 19; the horizon would be at 19.7.
- [Tower of Hercules](${web}/tower-of-hercules), 104 m: fades at 23; the horizon would be at 24.8.

So on a low rock a stronger lamp is wasted: for all of its 18 miles to be of use, the light of [Bell Rock](${web}/bell-rock) would have to stand at 47.9 m.`;
}
