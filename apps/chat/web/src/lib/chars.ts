// How long a text is, as the chat counts.

/** The characters of a text: Unicode scalar values, so that an emoji is one and not two. */
export function charsIn(text: string): number {
  let count = text.length;
  for (let at = 1; at < text.length; at++) {
    const [high, low] = [text.charCodeAt(at - 1), text.charCodeAt(at)];
    if (high >= 0xd800 && high <= 0xdbff && low >= 0xdc00 && low <= 0xdfff) count -= 1;
  }
  return count;
}
