/** The Grafana dashboard and the alert rules of docs/operations, as lists of expressions. */
import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { z } from "zod";

const FOLDER = new URL("../../docs/operations/", import.meta.url);

export interface NamedExpression {
  where: string;
  expression: string;
  /** Labels that its texts show. */
  shownLabels: string[];
}

const dashboardSchema = z.object({
  panels: z.array(
    z.object({
      id: z.int(),
      title: z.string().min(1),
      type: z.enum(["row", "timeseries", "stat"]),
      gridPos: z.object({ x: z.int(), y: z.int(), w: z.int(), h: z.int() }),
      targets: z.array(z.object({ refId: z.string(), expr: z.string(), legendFormat: z.string() })).default([]),
    }),
  ),
});
export type Panel = z.infer<typeof dashboardSchema>["panels"][number];

const duration = z.string().regex(/^(?:\d+(?:ms|[smhdwy]))+$/);
/** As Prometheus accepts a rule file: unknown fields are errors there, too. */
const rulesSchema = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string().min(1),
      rules: z.array(
        z.strictObject({
          alert: z.string().regex(/^[A-Z]\w+$/),
          expr: z.string(),
          for: duration.optional(),
          labels: z.strictObject({ severity: z.enum(["critical", "warning"]) }),
          annotations: z.strictObject({ summary: z.string(), description: z.string().optional() }),
        }),
      ),
    }),
  ),
});

export async function readPanels(): Promise<Panel[]> {
  const file = await readFile(new URL("grafana-dashboard.json", FOLDER), "utf8");
  return dashboardSchema.parse(JSON.parse(file)).panels;
}

export async function readDashboardExpressions(): Promise<NamedExpression[]> {
  const panels = await readPanels();
  return panels.flatMap(({ title, targets }) =>
    targets.map(({ refId, expr, legendFormat }) => ({
      where: `panel '${title}' ${refId}`,
      // Grafana replaces its variables.
      expression: expr.replaceAll("$__rate_interval", "5m"),
      shownLabels: [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label!),
    })),
  );
}

export async function readAlertExpressions(): Promise<NamedExpression[]> {
  const file = await readFile(new URL("alerts.yaml", FOLDER), "utf8");
  const { groups } = rulesSchema.parse(parse(file));
  return groups.flatMap(({ rules }) =>
    rules.map(({ alert, expr, annotations }) => ({
      where: `alert ${alert}`,
      expression: expr,
      shownLabels: [
        ...Object.values(annotations)
          .join(" ")
          .matchAll(/\$labels\.(\w+)/g),
      ].map(([, label]) => label!),
    })),
  );
}
