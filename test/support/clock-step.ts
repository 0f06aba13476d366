/**
 * Loaded into a process before all else (`clockOff` in processes.ts): its clock is off by CLOCK_OFFSET_MS, and is set by
 * CLOCK_STEP_MS more at each SIGUSR2, as an operator or a time daemon sets a machine's. Timers and `performance.now()` run
 * on, as a machine's monotonic clock does.
 */
let offsetMs = Number(process.env["CLOCK_OFFSET_MS"] ?? 0);
const RealDate = Date;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, given, newTarget) =>
    Reflect.construct(target, given.length === 0 ? [target.now() + offsetMs] : given, newTarget) as Date,
  apply: (target) => new target(target.now() + offsetMs).toString(),
  get: (target, name) => (name === "now" ? () => target.now() + offsetMs : (Reflect.get(target, name) as unknown)),
});

process.on("SIGUSR2", () => {
  offsetMs += Number(process.env["CLOCK_STEP_MS"] ?? 0);
  process.stdout.write(`${JSON.stringify({ level: 30, msg: "Clock set", offsetMs })}\n`);
});
