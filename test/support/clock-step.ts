/**
 * Preloaded into a process (`clockOff` in processes.ts): its clock is off by CLOCK_OFFSET_MS, and jumps by
 * CLOCK_STEP_MS at each SIGUSR2, as an operator or a time daemon would set it. Timers and `performance.now()` are
 * unaffected, like a machine's monotonic clock.
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
