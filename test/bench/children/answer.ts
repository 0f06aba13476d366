/** The child's side of `Child` in ../processes.ts. */

export type Answer<Reply> = { kind: "reply"; reply: Reply } | { kind: "error"; error: string };

/** Answers the benchmark's requests, one at a time, until the benchmark disconnects. */
export function answerQuestions(respond: (question: never) => Promise<object>): void {
  process.on("message", (question) => {
    respond(question as never).then(
      (reply) => send({ kind: "reply", reply }),
      (error: unknown) =>
        send({ kind: "error", error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
  process.on("disconnect", () => process.exit());
}

function send(answer: Answer<object>): void {
  process.send!(answer);
}
