/** The number of event-loop rounds until `work` is done: other tasks run in each of them. */
export async function countRoundsDuring<T>(work: Promise<T>): Promise<{ value: T; rounds: number }> {
  let rounds = 0;
  let isDone = false;
  const count = (): void => {
    rounds += 1;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  const value = await work;
  isDone = true;
  return { value, rounds };
}
