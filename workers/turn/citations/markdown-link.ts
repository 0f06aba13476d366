export interface MarkdownLink {
  /** In code points, from the opening bracket. */
  start: number;
  /** The index after its last character. */
  end: number;
  url: string;
}
