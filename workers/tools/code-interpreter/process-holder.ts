/** Who holds a process. Asked to give it up only while it is idle. */
export interface ProcessHolder {
  readonly project: string;
  /** Since when it has had nothing to do; undefined while it runs something. */
  readonly idleSince: number | undefined;
  /** Lets go of its process, which is killed. */
  evict(): void;
}

/** Who is to give way: of the idle ones of the project that has most, idle or not, the one that is so for longest. */
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
