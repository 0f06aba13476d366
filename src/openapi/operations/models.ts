/** Models. */
import { modelListSchema, modelSchema } from "../../protocol/model.ts";
import { type Endpoint, pathParameter } from "../endpoint.ts";

const simulator = { id: "simulator/default", object: "model", created: 0, owned_by: "simulator" };

export const listModels: Endpoint = {
  id: "listModels",
  tag: "Models",
  summary: "List models",
  description:
    "Lists the models that the configuration names. A provider without a configured list serves other models, too.",
  answers: {
    200: {
      description: "All listed models, on one page.",
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
  parameters: [pathParameter("model", "Model name. Slashes need no encoding.")],
  answers: {
    200: {
      description: "The model. `created` is always 0: this server does not know the date.",
      content: { "application/json": { schema: modelSchema, examples: { "The simulator": simulator } } },
    },
  },
  errors: ["modelNotFound"],
};
