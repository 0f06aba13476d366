/** Who sent a request, as the audit log names it. */
export interface Actor {
  type: "admin" | "project" | "anonymous";
  /** The name of the admin (with a prefix) or of the project. */
  name: string;
  /** Undefined for a request without a key. */
  keyId: string | undefined;
}

/** Precedes the names of admins, so that no project's name looks like an admin's. */
export const ADMIN_ACTOR_PREFIX = "admin:";

const ENVIRONMENT_KEY_PREFIX = "key_env_";
const KEY_ID_DIGITS = 16;

/** A key of the environment has no stored id. Its id comes from its hash, and is the same in every process. */
export function environmentKeyId(hash: Buffer): string {
  return `${ENVIRONMENT_KEY_PREFIX}${hash.toString("hex").slice(0, KEY_ID_DIGITS)}`;
}
