/* global SwaggerUIBundle */

/**
 * Replaces references with the names of their schemas. Swagger UI copies the target of each reference, again for each
 * use, which takes minutes for unions of unions. Here each schema appears once, under Schemas. `openapi.json` itself
 * keeps its references.
 */
function nameReferences(value) {
  if (typeof value !== "object" || value === null) return value;
  if (typeof value.$ref === "string") return { title: nameOf(value), description: value.description ?? "See Schemas." };
  const union = value.oneOf ?? value.anyOf;
  if (Array.isArray(union) && union.every((member) => typeof member.$ref === "string")) {
    const names = union.map((member) => `\`${nameOf(member)}\``).join(", ");
    return { description: [value.description, `One of ${names}.`].filter(Boolean).join("\n\n") };
  }
  if (Array.isArray(value)) return value.map(nameReferences);
  const entries = Object.entries(value).filter(([key]) => key !== "discriminator");
  return Object.fromEntries(entries.map(([key, each]) => [key, nameReferences(each)]));
}

function nameOf({ $ref }) {
  return $ref.slice($ref.lastIndexOf("/") + 1);
}

const address = new URL("../openapi.json", location.href);
const description = await (await fetch(address)).json();

/** Servers are relative to the description. Swagger UI would resolve them against the page. */
function resolveServers({ servers = [] }) {
  for (const server of servers) server.url = new URL(server.url, address).href.replace(/\/$/, "");
}

[description, ...Object.values(description.paths)].forEach(resolveServers);
const schemas = Object.entries(description.components.schemas);
description.components.schemas = Object.fromEntries(schemas.map(([name, schema]) => [name, nameReferences(schema)]));

SwaggerUIBundle({
  spec: description,
  dom_id: "#reference",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  defaultModelExpandDepth: 1,
  displayRequestDuration: true,
  // Otherwise the page would ask swagger.io about every description.
  validatorUrl: null,
});
