/** The form of the dashboard and the alert rules. metrics.test.ts compares them with real scrapes. */
import { expect, test } from "vitest";
import { type Panel, readAlertExpressions, readDashboardExpressions, readPanels } from "../support/operations-files.ts";
import { readSelectors } from "../support/promql.ts";

const expressions = [...(await readDashboardExpressions()), ...(await readAlertExpressions())];

test.each(expressions)("$where is valid PromQL", ({ expression }) => {
  expect(readSelectors(expression).length).toBeGreaterThan(0);
});

/** Prometheus adds these to what it scrapes. */
const ADDED = ["instance", "job"];

test.each(expressions)("$where shows labels that its series have", ({ expression, shownLabels }) => {
  const labels = new Set([...ADDED, ...readSelectors(expression).flatMap((selector) => selector.labels)]);
  expect(shownLabels.filter((label) => !labels.has(label))).toEqual([]);
});

test("no panel covers another", async () => {
  const panels = await readPanels();
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const isBeside = ({ gridPos: a }: Panel, { gridPos: b }: Panel) =>
    a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
  const covered = panels.flatMap((panel, i) => panels.slice(i + 1).filter((other) => !isBeside(panel, other)));
  expect(covered).toEqual([]);
  expect(panels.filter(({ gridPos }) => gridPos.x + gridPos.w > 24)).toEqual([]);
});

test.each(["sum by (a", "rate(x[5m]", "x{a=1}", "1 + 1"])("%s is not accepted", (expression) => {
  expect(() => readSelectors(expression)).toThrow(expression);
});
