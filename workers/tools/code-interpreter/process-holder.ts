/** A sandbox that holds a process. Only an idle one is evicted. */
export interface ProcessHolder {
  readonly project: string;
  /** When it became idle. Undefined while it runs a cell. */
  readonly idleSince: number | undefined;
  /** Releases its process, which is then killed. */
  evict(): void;
}

/** Chooses the sandbox to evict: the one that has been idle longest, of the project with the most sandboxes. */
export function findEvictable<T>(all: Iterable<T>, holderOf: (each: T) => ProcessHolder): T | undefined {
  const byProject = Map.groupBy(all, (each) => holderOf(each).project);
  const ofMost = [...byProject.values()].toSorted((a, b) => b.length - a.length);
  for (const each of ofMost) {
    const idle = each.filter((one) => holderOf(one).idleSince !== undefined);
    const [longest] = idle.toSorted((a, b) => holderOf(a).idleSince! - holderOf(b).idleSince!);
    if (longest !== undefined) return longest;
  }
  return undefined;
}
