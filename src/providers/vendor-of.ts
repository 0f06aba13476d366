/** The vendor behind an entry of the providers file, and its traits. */
import { z } from "zod";
import { type VendorEntry, VENDORS } from "./vendor-table.ts";
import { DEFAULT_TRAITS, type TraitName, traitsSchema, type VendorTraits } from "./vendor-traits.ts";

export type VendorName = keyof typeof VENDORS;

export const vendorNames = Object.keys(VENDORS) as [VendorName, ...VendorName[]];

/** Fields of an entry. `continuation` is a separate field, for the entry and for each model. */
export const vendorFields = {
  /** The vendor whose quirks apply. Default: derived from the host of `base_url`, else none. */
  vendor: z.enum(vendorNames).optional(),
  /** Overrides of the vendor's traits. */
  traits: traitsSchema.omit({ continuation: true }).partial().optional(),
};

interface VendorSource {
  kind: "openai-compatible" | "anthropic" | "google";
  base_url: string;
  vendor?: VendorName | undefined;
  traits?: { [Name in TraitName]?: VendorTraits[Name] | undefined } | undefined;
}

/** The vendor that an entry names, or that its host or its protocol belongs to. */
export function vendorOf({ kind, base_url, vendor }: VendorSource): VendorName {
  if (vendor !== undefined) return vendor;
  // The vendor defined the protocol, so other servers that speak it are treated the same.
  if (kind !== "openai-compatible") return kind;
  const host = URL.canParse(base_url) ? new URL(base_url).hostname : "";
  const isOf = ({ hosts }: VendorEntry) => hosts.some((each) => fits(host, each));
  return vendorNames.find((name) => isOf(VENDORS[name])) ?? "generic";
}

/** The vendor's name in traces. Undefined if the conventions have none. */
export function traceNameOf(entry: VendorSource): string | undefined {
  const { traceName }: VendorEntry = VENDORS[vendorOf(entry)];
  return traceName;
}

function fits(host: string, pattern: string): boolean {
  if (pattern.startsWith("*")) return host.endsWith(pattern.slice(1));
  return host === pattern || host.endsWith(`.${pattern}`);
}

export function traitsOf(entry: VendorSource): VendorTraits {
  const overrides = Object.entries(entry.traits ?? {}).filter(([, value]) => value !== undefined);
  return { ...traitsOfVendor(vendorOf(entry)), ...Object.fromEntries(overrides) };
}

export function traitsOfVendor(vendor: VendorName): VendorTraits {
  const { traits }: VendorEntry = VENDORS[vendor];
  const vendorTraits = Object.fromEntries(Object.entries(traits).map(([name, [value]]) => [name, value]));
  return { ...DEFAULT_TRAITS, ...vendorTraits };
}

/** The owner of the state in a model's reasoning. No other vendor can read it. */
export function reasoningOriginOf(entry: VendorSource & { name: string }, model: string): string {
  const vendor = vendorOf(entry);
  return `${vendor === "generic" ? entry.name : vendor}/${model}`;
}
