/** PromQL expressions, read by Prometheus's own grammar. */
import { parser } from "@prometheus-io/lezer-promql";

type SyntaxNode = ReturnType<typeof parser.parse>["topNode"];

export interface Selector {
  metric: string;
  /** Labels that its matchers, or the aggregations around it, name. */
  labels: string[];
}

/** The selectors of an expression. Throws if it is not valid PromQL. */
export function readSelectors(expression: string): Selector[] {
  const tree = parser.parse(expression);
  const textOf = ({ from, to }: SyntaxNode): string => expression.slice(from, to);
  const found: Selector[] = [];
  tree.iterate({
    enter: ({ node }) => {
      if (node.type.isError) throw new Error(`Not PromQL at ${node.from}: ${expression}`);
      if (node.name !== "VectorSelector") return;
      const metric = node.getChild("Identifier");
      if (metric === null) throw new Error(`A selector without a metric: ${expression}`);
      const labels = new Set(namesIn(node, "LabelName"));
      for (let at = node.parent; at !== null; at = at.parent) {
        const modifier = at.name === "AggregateExpr" ? at.getChild("AggregateModifier") : null;
        if (modifier !== null) for (const name of namesIn(modifier, "LabelName")) labels.add(name);
      }
      found.push({ metric: textOf(metric), labels: [...labels] });
    },
  });
  if (found.length === 0) throw new Error(`No metric: ${expression}`);
  return found;

  function namesIn(node: SyntaxNode, type: string): string[] {
    const names: string[] = [];
    node.cursor().iterate((each) => {
      if (each.name === type) names.push(textOf(each.node));
    });
    return names;
  }
}
