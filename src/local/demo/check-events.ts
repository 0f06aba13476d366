/** Checks that a subscriber received every event once and in order. It trusts no claim of the server about itself. */

export interface NumberedEvent {
  type: string;
  sequence_number: number;
}

const TERMINAL_TYPES = new Set(["response.completed", "response.failed", "response.incomplete"]);

const isTerminal = (event: NumberedEvent): boolean => TERMINAL_TYPES.has(event.type);

/** Describes the errors in `received`; empty if there are none. `replayed` is the whole stream, read again later. */
export function findStreamErrors(received: readonly NumberedEvent[], replayed: readonly NumberedEvent[]): string[] {
  const errors: string[] = [];
  for (const [index, { sequence_number }] of received.entries()) {
    const expected = index === 0 ? 0 : received[index - 1]!.sequence_number + 1;
    if (sequence_number > expected) errors.push(`a gap: ${sequence_number} came instead of ${expected}`);
    if (sequence_number < expected) errors.push(`a repetition: ${sequence_number} came instead of ${expected}`);
  }
  const terminals = received.filter(isTerminal).length;
  if (terminals !== 1) errors.push(`${terminals} terminal events instead of one`);
  if (!received.slice(-1).every(isTerminal)) errors.push("the last event is not terminal");

  if (replayed.length !== received.length) {
    errors.push(`the replay has ${replayed.length} events, ${received.length} were received`);
  }
  const differing = received.findIndex((event, index) => JSON.stringify(event) !== JSON.stringify(replayed[index]));
  if (differing !== -1) errors.push(`event ${differing} of the replay differs from the one that was received`);
  return errors;
}
