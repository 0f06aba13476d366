/** Every parameter, tool, tool choice, `include` and input item, through the server to a provider. */
import { afterAll, beforeAll } from "vitest";
import { testEffects } from "./requests/effect-suite.ts";
import { testInputItems } from "./requests/item-suite.ts";
import { testParameters } from "./requests/parameter-suite.ts";
import { EchoServer } from "./requests/server.ts";
import { testIncludes, testToolChoices, testTools } from "./requests/tool-suite.ts";

// The server starts after the suites have been declared.
const started: { server?: EchoServer } = {};
beforeAll(async () => {
  started.server = await EchoServer.start();
});
afterAll(async () => await started.server![Symbol.asyncDispose]());
const server = () => started.server!;

testParameters(server);
testEffects(server);
testTools(server);
testToolChoices(server);
testIncludes(server);
testInputItems(server);
