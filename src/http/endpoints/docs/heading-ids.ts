/**
 * The ids of one document's headings, by GitHub's rule: lower case, a hyphen for each space, no other punctuation, and a
 * number after an id that is taken. An anchor then leads to the same heading on GitHub and here.
 * Source: html-pipeline 2.14, `lib/html/pipeline/toc_filter.rb`.
 */
export class HeadingIds {
  readonly #timesUsed = new Map<string, number>();

  next(heading: string): string {
    const id = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{M}\p{Nd}\p{Pc}\- ]/gu, "")
      .replaceAll(" ", "-");
    const times = this.#timesUsed.get(id) ?? 0;
    this.#timesUsed.set(id, times + 1);
    return times === 0 ? id : `${id}-${times}`;
  }
}
