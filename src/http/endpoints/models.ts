/** `GET /models` and `GET /models/:model`. A model's name may contain slashes. */
import type { RequestHandler } from "express";
import { modelNotFound } from "../../lifecycle/errors/state.ts";
import type { ProviderCatalog } from "../../providers/catalog.ts";

export function listModels(catalog: ProviderCatalog): RequestHandler {
  return (_request, response) => {
    response.json({ object: "list", data: catalog.list() });
  };
}

export function retrieveModel(catalog: ProviderCatalog): RequestHandler {
  return (request, response) => {
    const parts = request.params["model"];
    const name = Array.isArray(parts) ? parts.join("/") : String(parts);
    const model = catalog.find(name);
    if (model === undefined) throw modelNotFound(name);
    response.json(model);
  };
}
