/** The settings of a request's web search tool. */
import type { Tool } from "../../../src/protocol/tool.ts";
import { DomainFilter } from "./domain-filter.ts";

export const WEB_SEARCH_TYPES = [
  "web_search",
  "web_search_2025_08_26",
  "web_search_preview",
  "web_search_preview_2025_03_11",
] as const;
export type WebSearchTool = Extract<Tool, { type: (typeof WEB_SEARCH_TYPES)[number] }>;

/** How much of the model's context searches may fill. Lengths are in characters. */
export interface ContextSize {
  results: number;
  snippetLength: number;
  /** Maximum length of a page's section in one call. */
  sectionLength: number;
  isThorough: boolean;
}

const CONTEXT_SIZES: Record<NonNullable<WebSearchTool["search_context_size"]>, ContextSize> = {
  low: { results: 5, snippetLength: 300, sectionLength: 6_000, isThorough: false },
  medium: { results: 10, snippetLength: 700, sectionLength: 15_000, isThorough: false },
  high: { results: 20, snippetLength: 2_000, sectionLength: 40_000, isThorough: true },
};

export interface UserLocation {
  city: string | undefined;
  region: string | undefined;
  /** ISO 3166-1, upper case. */
  country: string | undefined;
  timezone: string | undefined;
}

export interface SearchSettings {
  domains: DomainFilter;
  location: UserLocation;
  size: ContextSize;
}

export function isIndexedOnly(tool: WebSearchTool): boolean {
  if (!("external_web_access" in tool)) return false;
  return tool.indexed_web_access === true || tool.index_gated_web_access === true;
}

export function readSearchSettings(tool: WebSearchTool): SearchSettings {
  const { user_location: location, search_context_size: size = "medium" } = tool;
  return {
    domains: new DomainFilter(("filters" in tool ? tool.filters : undefined) ?? {}),
    location: {
      city: shortText(location?.city),
      region: shortText(location?.region),
      country: /^[a-z]{2}$/i.test(location?.country ?? "") ? location!.country!.toUpperCase() : undefined,
      timezone: shortText(location?.timezone),
    },
    size: CONTEXT_SIZES[size],
  };
}

/** Longer than any place name. The location is part of every description and every query. */
const MAX_LOCATION_LENGTH = 100;

function shortText(text: string | null | undefined): string | undefined {
  const trimmed = (text ?? "").trim().slice(0, MAX_LOCATION_LENGTH);
  return trimmed === "" ? undefined : trimmed;
}

/** A sentence for the model. Undefined if the location is unknown. */
export function describeLocation({ city, region, country, timezone }: UserLocation): string | undefined {
  const name = country && new Intl.DisplayNames("en", { type: "region" }).of(country);
  const address = [city, region, name].filter((part) => part !== undefined).join(", ");
  if (address === "" && timezone === undefined) return undefined;
  const zone = timezone === undefined ? "" : `${address === "" ? "" : " "}(time zone ${timezone})`;
  return `The user's approximate location: ${address}${zone}.`;
}
