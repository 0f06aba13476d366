/** The models of the document's examples. */
import { ProviderCatalog } from "../providers/catalog.ts";

export const catalog = new ProviderCatalog([{ name: "simulator", kind: "simulator" }]);
