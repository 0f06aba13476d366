/** The other end of `Child` in ../processes.ts. */

export type Answer<Reply> = { reply: Reply } | { error: string };

/** Answers the benchmark's questions, one at a time, until the benchmark goes away. */
export function answerQuestions<Question, Reply>(respond: (question: Question) => Promise<Reply>): void {
  const send = (answer: Answer<Reply>): void => void process.send!(answer);
  process.on("message", (question) => {
    respond(question as Question).then(
      (reply) => send({ reply }),
      (error: unknown) => send({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
  process.on("disconnect", () => process.exit());
}
