/**
 * The keys of administration. All share the slot of the in-flight set: the script that adds a response checks its
 * project's limits, and the script that removes one counts its usage.
 *
 *   …:organization:projects            hash    projects that admins created, as JSON by id (store/organization/projects.ts)
 *   …:organization:accounts:<project>  hash    its service accounts, as JSON by id
 *   …:organization:keys:<project>      hash    its keys, as JSON by id (store/organization/organization-keys.ts)
 *   …:organization:key-hashes          hash    project and id of every open key, by the SHA-256 of the key
 *   …:organization:limits:<project>    hash    limits that differ from the settings (store/organization/project-limits.ts)
 *   …:organization:requests:<project>  string  responses created in the current minute
 *   …:organization:tokens:<project>    string  tokens counted in the current minute
 *   …:organization:spend:<project>     hash    billionths of a US dollar by month (store/organization/usage-counts.ts)
 *   …:organization:alerts:<project>    hash    spend alerts, as JSON by id (store/organization/spend-alerts.ts)
 *   …:organization:usage:<project>:<day>  hash  usage by hour and model of one day
 *   …:organization:usage-projects:<day>   set   projects with usage on this day
 *   …:organization:audit               stream  the audit log (store/organization/audit-log.ts)
 */
export class OrganizationLayout {
  readonly #prefix: string;

  /** `tag`: the hash tag of the in-flight set. */
  constructor(tag: string) {
    this.#prefix = `${tag}:organization`;
  }

  get projects(): string {
    return `${this.#prefix}:projects`;
  }

  accountsOf = (project: string): string => `${this.#prefix}:accounts:${project}`;
  keysOf = (project: string): string => `${this.#prefix}:keys:${project}`;

  get keyHashes(): string {
    return `${this.#prefix}:key-hashes`;
  }

  limitsOf = (project: string): string => `${this.#prefix}:limits:${project}`;
  requestsOf = (project: string): string => `${this.#prefix}:requests:${project}`;
  tokensOf = (project: string): string => `${this.#prefix}:tokens:${project}`;
  spendOf = (project: string): string => `${this.#prefix}:spend:${project}`;
  alertsOf = (project: string): string => `${this.#prefix}:alerts:${project}`;

  /** `day`: days since the Unix epoch. */
  usageOf = (project: string, day: number): string => `${this.#prefix}:usage:${project}:${day}`;
  usageProjects = (day: number): string => `${this.#prefix}:usage-projects:${day}`;

  get audit(): string {
    return `${this.#prefix}:audit`;
  }
}
