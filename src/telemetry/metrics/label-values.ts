/**
 * Values of labels. Each value costs a series in this process, in Prometheus and in every dashboard, so no client may add
 * as many as it likes: beyond a limit a value counts as `other`.
 */
export const OTHER = "other";

const MAX_VALUES = 100;
const MAX_CHARACTERS = 100;

export class BoundedValues {
  readonly #known = new Set<string>();
  readonly #max: number;

  constructor(max = MAX_VALUES) {
    this.#max = max;
  }

  /** The value itself, if it is short and there is room for it. */
  of(value: string | undefined): string {
    if (value === undefined || value === "") return "none";
    if (this.#known.has(value)) return value;
    if (value.length > MAX_CHARACTERS || this.#known.size >= this.#max) return OTHER;
    this.#known.add(value);
    return value;
  }

  has(value: string): boolean {
    return this.#known.has(value);
  }
}

/** The part of the configured models that labels need. */
export interface KnownModels {
  providers: readonly string[];
  /** Every model that the configuration lists, as `provider/model`. */
  listed: readonly string[];
  /** Undefined if no such model is configured. `canProve`: a completed call proves that the provider has the model. */
  resolve: (name: string) => { provider: string; model: string; canProve: boolean } | undefined;
}

/**
 * A provider without a list of models gets any name that a client invents. Such a name becomes a value only once the
 * provider has completed a call of it; until then it counts as `<provider>/other`.
 */
export class ModelValues {
  readonly #models: KnownModels;
  readonly #listed: ReadonlySet<string>;
  readonly #proven = new BoundedValues();

  constructor(models: KnownModels) {
    this.#models = models;
    this.#listed = new Set(models.listed);
  }

  /** The label of a model that a request named. */
  of(name: string): string {
    const resolved = this.#models.resolve(name);
    return resolved === undefined ? "unknown" : this.ofProvider(resolved.provider, resolved.model);
  }

  ofProvider(provider: string, model: string): string {
    const value = `${provider}/${model}`;
    return this.#listed.has(value) || this.#proven.has(value) ? value : `${provider}/${OTHER}`;
  }

  /** A provider has completed a call of this model. */
  prove(provider: string, model: string): void {
    const value = `${provider}/${model}`;
    if (this.#models.resolve(value)?.canProve === true) this.#proven.of(value);
  }
}
