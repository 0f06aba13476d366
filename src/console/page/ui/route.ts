/** The page that the address names, after `#`. The server's address stays the same, behind any proxy's path. */
import { signal } from "@preact/signals";

export interface Route {
  /** Such as `["runs", "resp_…"]`. */
  path: readonly string[];
  query: URLSearchParams;
}

export const route = signal<Route>(read());

export function startRouting(): void {
  window.addEventListener("hashchange", () => {
    route.value = read();
    window.scrollTo(0, 0);
  });
}

export function linkTo(...path: readonly string[]): string {
  return `#/${path.map(encodeURIComponent).join("/")}`;
}

export function goTo(address: string): void {
  location.hash = address;
}

/** Changes the query without a new entry in the browser's history. */
export function replaceQuery(query: URLSearchParams): void {
  const path = `#/${route.value.path.map(encodeURIComponent).join("/")}`;
  const search = query.toString();
  history.replaceState(null, "", search === "" ? path : `${path}?${search}`);
  route.value = read();
}

function read(): Route {
  const [path = "", search = ""] = location.hash.replace(/^#\/?/, "").split("?", 2);
  return { path: path.split("/").filter(Boolean).map(decode), query: new URLSearchParams(search) };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
