const CELL_SEPARATOR = " | ";

/** A row of a table as one line. */
export function joinCells(cells: readonly string[]): string {
  return cells.map((cell) => cell.replace(/\s+/g, " ").trim()).join(CELL_SEPARATOR);
}
