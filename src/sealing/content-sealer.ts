/**
 * Encrypts content that a client keeps and cannot read (reasoning, compactions), and the secrets of requests in Redis. It
 * uses AES-256-GCM with the project and the kind as additional data: content opens only for its project and as its kind.
 *
 *   brs1.<key id>.<base64url of nonce (12 bytes), ciphertext, tag (16 bytes)>
 *
 * The plaintext is one byte for the packing, then the value's JSON. After a key rotation the server has several keys: the
 * newest seals, and the key id selects the one that opens.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomBytes,
} from "node:crypto";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { Logger } from "pino";

export type SealedKind = "reasoning" | "compaction" | "secret" | "webhook";

const PREFIX = "brs1.";
const CIPHER = "aes-256-gcm";
export const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** 96 bits, too many to guess. */
const NAME_DIGITS = 24;

const PLAIN = 0;
const DEFLATED = 1;
/** Deflating shorter JSON gains nothing. */
const WORTH_DEFLATING_BYTES = 256;
/** Maximum ratio. JSON that would shrink further stays plain, which limits how far a sent text can expand. */
const MAX_DEFLATION = 10;

/** Whether `text` looks sealed by this server. Only `unseal` or `verify` proves it. */
export function isSealed(text: string): boolean {
  return text.startsWith(PREFIX);
}

/**
 * The content was forged, changed, sealed for another project or kind, or sealed with an unknown key. The error does not say
 * which.
 */
export class UnreadableContentError extends Error {
  override readonly name = "UnreadableContentError";
  constructor(options?: ErrorOptions) {
    super("The encrypted content could not be verified.", options);
  }
}

export class ContentSealer {
  readonly #newest: { id: string; key: KeyObject };
  readonly #keys: ReadonlyMap<string, KeyObject>;
  readonly #logger: Logger | undefined;

  /** Keys of 32 bytes: the first seals, every one opens. `logger` reports content that `tryUnseal` cannot open. */
  constructor(keys: readonly Buffer[], logger?: Logger) {
    if (keys.length === 0) throw new RangeError("A sealer needs a key.");
    const keyed = keys.map((bytes) => ({ id: keyId(bytes), key: createSecretKey(bytes) }));
    this.#logger = logger;
    this.#newest = keyed[0]!;
    this.#keys = new Map(keyed.map(({ id, key }) => [id, key]));
  }

  /** `value` must be representable in JSON. */
  seal(project: string, kind: SealedKind, value: unknown): string {
    const { id, key } = this.#newest;
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(additionalData(project, kind));
    const sealed = Buffer.concat([nonce, cipher.update(pack(value)), cipher.final(), cipher.getAuthTag()]);
    return `${PREFIX}${id}.${sealed.toString("base64url")}`;
  }

  /** Throws UnreadableContentError unless this project sealed `text` as this kind. */
  unseal(project: string, kind: SealedKind, text: string): unknown {
    return unpack(this.#decrypt(project, kind, text));
  }

  /** Unseals accepted content. Undefined, with a warning, if its key has been removed from the configuration since. */
  tryUnseal(project: string, kind: SealedKind, text: string, itemId?: string): unknown {
    try {
      return this.unseal(project, kind, text);
    } catch (error) {
      if (!(error instanceof UnreadableContentError)) throw error;
      this.#logger?.warn({ project, kind, itemId }, "Sealed content cannot be opened: its key is not configured");
      return undefined;
    }
  }

  /** Whether the newest key sealed `text`. Otherwise it becomes unreadable when its key is removed. */
  isCurrent(text: string): boolean {
    return text.startsWith(`${PREFIX}${this.#newest.id}.`);
  }

  /** Throws like `unseal`, but does not unpack the content. */
  verify(project: string, kind: SealedKind, text: string): void {
    this.#decrypt(project, kind, text);
  }

  /** A keyed hash of `text`: the same on every worker, and impossible to compute without the key. */
  nameOf(project: string, text: string): string {
    const { key } = this.#newest;
    return createHmac("sha256", key)
      .update(JSON.stringify([PREFIX, "name", project]))
      .update(text)
      .digest("hex")
      .slice(0, NAME_DIGITS);
  }

  #decrypt(project: string, kind: SealedKind, text: string): Buffer {
    const { key, sealed } = this.#parseSealed(text);
    const nonce = sealed.subarray(0, NONCE_BYTES);
    const tag = sealed.subarray(sealed.length - TAG_BYTES);
    const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(additionalData(project, kind));
    decipher.setAuthTag(tag);
    try {
      const packed = decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES));
      return Buffer.concat([packed, decipher.final()]);
    } catch (cause) {
      throw new UnreadableContentError({ cause });
    }
  }

  #parseSealed(text: string): { key: KeyObject; sealed: Buffer } {
    const [id = "", encoded = "", ...rest] = isSealed(text) ? text.slice(PREFIX.length).split(".") : [];
    const key = this.#keys.get(id);
    const sealed = Buffer.from(encoded, "base64url");
    const isWhole = rest.length === 0 && sealed.length > NONCE_BYTES + TAG_BYTES;
    // Node ignores characters that are not base64url. Accept only the canonical encoding.
    if (key === undefined || !isWhole || sealed.toString("base64url") !== encoded) throw new UnreadableContentError();
    return { key, sealed };
  }
}

/** Identifies a key. The hash reveals nothing about the key, because keys are random. */
function keyId(key: Buffer): string {
  return createHash("sha256").update("background-responses key id\n").update(key).digest("base64url").slice(0, 8);
}

/** JSON keeps the two fields apart unambiguously. */
function additionalData(project: string, kind: SealedKind): Buffer {
  return Buffer.from(JSON.stringify([PREFIX, project, kind]));
}

function pack(value: unknown): Buffer {
  const json = Buffer.from(JSON.stringify(value));
  const deflated = json.length < WORTH_DEFLATING_BYTES ? json : deflateRawSync(json);
  const isWorthIt = deflated.length < json.length && json.length <= MAX_DEFLATION * deflated.length;
  return Buffer.concat(isWorthIt ? [Buffer.of(DEFLATED), deflated] : [Buffer.of(PLAIN), json]);
}

function unpack(packed: Buffer): unknown {
  const body = packed.subarray(1);
  const maxOutputLength = MAX_DEFLATION * body.length;
  try {
    const json = packed[0] === DEFLATED ? inflateRawSync(body, { maxOutputLength }) : body;
    return JSON.parse(json.toString("utf8"));
  } catch (cause) {
    throw new UnreadableContentError({ cause });
  }
}
