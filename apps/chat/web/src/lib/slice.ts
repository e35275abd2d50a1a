// Which rows of a long list are drawn: those on the screen and some around them.

/** A run of rows: from `start` up to, and without, `end`. */
export interface Slice {
  start: number;
  end: number;
}

/** How much is drawn above and below the screen, in screens, and how many rows at least. */
const AROUND = 1;
const AT_LEAST = 40;

/** The height of a row that was never drawn, in pixels. */
export const ESTIMATE = 44;

/** The rows to draw for a list that is scrolled to `top` on a screen of `height` pixels. */
export function sliceAt(heights: readonly number[], top: number, height: number): Slice {
  const from = top - AROUND * height;
  const to = top + height + AROUND * height;
  let start = 0;
  let y = 0;
  while (start < heights.length && y + heights[start]! <= from) y += heights[start++]!;
  let end = start;
  while (end < heights.length && y < to) y += heights[end++]!;
  // Rows that are higher than thought must not leave the screen empty.
  const missing = AT_LEAST - (end - start);
  if (missing > 0) {
    end = Math.min(heights.length, end + missing);
    start = Math.max(0, Math.min(start, end - AT_LEAST));
  }
  return { start, end };
}

/** The rows to draw around one of them. */
export function sliceAround(count: number, at: number): Slice {
  const start = Math.max(0, Math.min(at - AT_LEAST, count - 2 * AT_LEAST));
  return { start, end: Math.min(count, start + 2 * AT_LEAST) };
}

/** How high the rows of a run are together. */
export function heightOf(heights: readonly number[], { start, end }: Slice): number {
  let sum = 0;
  for (let at = start; at < end; at++) sum += heights[at] ?? ESTIMATE;
  return sum;
}
