import { integer, milliseconds } from "../setting.ts";

const MIB = 1024 * 1024;

export const documentSettings = {
  DOCUMENT_MAX_BYTES: integer("Maximum size of a document whose text is read.", {
    default: 64 * MIB,
    min: 1,
    max: 1024 * MIB,
    unit: "bytes",
  }),
  DOCUMENT_TIMEOUT_MS: milliseconds("Timeout of the reading of one document.", { default: 60_000, min: 1 }),
  DOCUMENT_MEMORY_MB: integer(
    "Memory of a process that reads documents, for its objects. The whole process may use twice as much.",
    { default: 512, min: 128, max: 8192, unit: "MiB" },
  ),
  DOCUMENT_PROCESSES: integer("Maximum documents that one worker reads at a time for one project. Further ones wait.", {
    default: 2,
    min: 1,
  }),
};
