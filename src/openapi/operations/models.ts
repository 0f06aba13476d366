/** Models. */
import { modelListSchema, modelSchema } from "../../protocol/model.ts";
import { type Endpoint, pathParameter } from "../endpoint.ts";

const simulator = { id: "simulator/default", object: "model", created: 0, owned_by: "simulator" };

export const listModels: Endpoint = {
  id: "listModels",
  tag: "Models",
  summary: "List models",
  description: "Those that are known by name. A provider that is configured without names serves more than are listed.",
  answers: {
    200: {
      description: "All of them, on one page.",
      content: {
        "application/json": {
          schema: modelListSchema,
          examples: { "Only the simulator": { object: "list", data: [simulator] } },
        },
      },
    },
  },
};

export const retrieveModel: Endpoint = {
  id: "retrieveModel",
  tag: "Models",
  summary: "Get a model",
  parameters: [pathParameter("model", "Its name. Slashes in it may be sent as they are.")],
  answers: {
    200: {
      description: "The model. `created` is 0: nobody has told this server.",
      content: { "application/json": { schema: modelSchema, examples: { "The simulator": simulator } } },
    },
  },
  refusals: ["modelNotFound"],
};
