/** `/openapi.json` passes the rules that Redocly recommends. Every one of them is on. */
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { expect, test } from "vitest";
import { describeApi } from "../../../src/openapi/document.ts";

test("the description passes Redocly's recommended rules", async () => {
  const config = await createConfig({ extends: ["recommended"] });
  const problems = await lintFromString({ source: JSON.stringify(describeApi()), config });
  const found = problems.map(
    ({ ruleId, message, location }) => `${ruleId}: ${message} (${location[0]?.pointer ?? "no place"})`,
  );
  expect(found).toEqual([]);
});
