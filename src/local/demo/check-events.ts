/** Checks that a subscriber received every event once and in order. It trusts no claim of the server about itself. */

export interface NumberedEvent {
  type: string;
  sequence_number: number;
}

const TERMINAL_TYPES = new Set(["response.completed", "response.failed", "response.incomplete"]);

const isTerminal = (event: NumberedEvent): boolean => TERMINAL_TYPES.has(event.type);

/** Describes the errors in `received`; empty if there are none. `replayed` is the whole stream, read again later. */
export function findStreamErrors(received: readonly NumberedEvent[], replayed: readonly NumberedEvent[]): string[] {
  const faults: string[] = [];
  for (const [place, { sequence_number }] of received.entries()) {
    const wanted = place === 0 ? 0 : received[place - 1]!.sequence_number + 1;
    if (sequence_number > wanted) faults.push(`a gap: ${sequence_number} came where ${wanted} was due`);
    if (sequence_number < wanted) faults.push(`a repetition: ${sequence_number} came where ${wanted} was due`);
  }
  const terminals = received.filter(isTerminal).length;
  if (terminals !== 1) faults.push(`${terminals} terminal events instead of one`);
  if (!received.slice(-1).every(isTerminal)) faults.push("the last event is not terminal");

  if (replayed.length !== received.length) {
    faults.push(`the replay has ${replayed.length} events, ${received.length} were received`);
  }
  const differing = received.findIndex((event, place) => JSON.stringify(event) !== JSON.stringify(replayed[place]));
  if (differing !== -1) faults.push(`event ${differing} of the replay differs from the one that was received`);
  return faults;
}
