/** `GET /containers`, and `GET` and `DELETE /containers/:id`: a project's code interpreter containers. */
import type { RequestHandler } from "express";
import type { ApiContext } from "../../context.ts";
import { containerNotFound, listCursorNotFound } from "../../lifecycle/errors/state.ts";
import { type Container, CONTAINER_NAME } from "../../protocol/container.ts";
import type { List } from "../../protocol/list.ts";
import type { ContainerSummary } from "../../store/containers.ts";
import { recordAudit } from "../replies/record-audit.ts";
import { parseContainerId } from "../validation/path-ids.ts";
import { parseContainerListQuery } from "../validation/queries.ts";

export function listContainers(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const { limit, order, after, name = CONTAINER_NAME } = parseContainerListQuery(request.query);
    const { project } = response.locals;
    // One more than the page, to learn whether more follow.
    const found = await context.storage.containers.list(project, { order, after, count: limit + 1 });
    if (found === undefined) throw listCursorNotFound(after!);
    const named = name === CONTAINER_NAME ? found : [];
    const data = named.slice(0, limit).map((summary) => describeContainer(context, summary));
    const page: List<Container> = {
      object: "list",
      data,
      first_id: data[0]?.id ?? null,
      last_id: data.at(-1)?.id ?? null,
      has_more: named.length > limit,
    };
    response.json(page);
  };
}

export function retrieveContainer(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const id = parseContainerId(request);
    const summary = await context.storage.containers.describe(response.locals.project, id);
    if (summary === undefined) throw containerNotFound(id);
    response.json(describeContainer(context, summary));
  };
}

/** A run that uses the container misses it at its next call. */
export function deleteContainer(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const id = parseContainerId(request);
    const { project } = response.locals;
    if (!(await context.storage.containers.erase(project, id))) throw containerNotFound(id);
    await recordAudit(context, response, { type: "container.deleted", project, resource: { id } });
    response.json({ id, object: "container.deleted", deleted: true });
  };
}

function describeContainer({ config }: ApiContext, { id, createdAtMs, lastActiveAtMs }: ContainerSummary): Container {
  return {
    id,
    object: "container",
    created_at: Math.floor(createdAtMs / 1000),
    name: CONTAINER_NAME,
    status: "running",
    last_active_at: Math.floor(lastActiveAtMs / 1000),
    expires_after: { anchor: "last_active_at", minutes: Math.ceil(config.CONTAINER_IDLE_SECONDS / 60) },
    network_policy: { type: "disabled" },
  };
}
