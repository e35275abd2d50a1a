// Finds web addresses in a text; everything else stays text, so nothing in it is ever markup.

export type Part = { text: string; href?: string };

const ADDRESS = /\bhttps?:\/\/[^\s<>"'`]+/gi;

/** The text cut into plain parts and links. Only http and https become links. */
export function parts(text: string): Part[] {
  const list: Part[] = [];
  let from = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = trimmed(match[0]);
    const href = parsed(address);
    if (!href) continue;
    if (match.index > from) list.push({ text: text.slice(from, match.index) });
    list.push({ text: address, href });
    from = match.index + address.length;
  }
  if (from < text.length) list.push({ text: text.slice(from) });
  return list;
}

/** Without the punctuation of the sentence around it; a closing bracket stays if it was opened inside. */
function trimmed(address: string): string {
  let end = address.length;
  for (; end > 0; end--) {
    const last = address[end - 1]!;
    const inside = address.slice(0, end);
    const opened = last === ")" && inside.split("(").length >= inside.split(")").length;
    if (!/[.,;:!?»”)\]}…]/.test(last) || opened) break;
  }
  return address.slice(0, end);
}

function parsed(address: string): string | undefined {
  try {
    const url = new URL(address);
    return (url.protocol === "https:" || url.protocol === "http:") && url.hostname ? url.href : undefined;
  } catch {
    return undefined;
  }
}
