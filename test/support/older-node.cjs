/** Loaded before all else, it makes a process one of a Node that is too old. */
Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.20.2" } });
