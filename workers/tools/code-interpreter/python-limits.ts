/** The limits of one interpreter process. */
export interface PythonLimits {
  /** Limit of Python's own memory. Beyond it, Python raises a MemoryError. */
  interpreterMemoryBytes: number;
  /** Limit of the whole process, including files. Beyond it, the process is killed. */
  processMemoryBytes: number;
  /** Maximum output of one run. The rest is dropped. */
  logBytes: number;
  /** Maximum files in the working folder. */
  files: number;
  fileBytes: number;
  /** Maximum images shown by one run. */
  images: number;
  imageBytes: number;
  startTimeoutMs: number;
}

export const MIB = 1024 * 1024;
export const DEFAULT_PYTHON_LIMITS: PythonLimits = {
  interpreterMemoryBytes: 384 * MIB,
  processMemoryBytes: 768 * MIB,
  logBytes: 256 * 1024,
  files: 200,
  fileBytes: 32 * MIB,
  images: 20,
  // The log has them, and the model sees them in every turn.
  imageBytes: 8 * MIB,
  startTimeoutMs: 60_000,
};
