// Finds web addresses in a text; everything else stays text, so nothing in it is ever markup.

export type Part = { text: string; href?: string };

const ADDRESS = /\b(?:https?:\/\/|www\.)[^\s<>"'`]+/gi;

/** The text cut into plain parts and links. Only http, https and what begins with `www.` become links. */
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

const CLOSING = ".,;:!?»”)]}…";

/** Without the punctuation of the sentence around it; a closing bracket stays if it was opened inside. Linear in time. */
function trimmed(address: string): string {
  const count = (letter: string): number => address.split(letter).length - 1;
  const opened = count("(");
  let closed = count(")");
  let end = address.length;
  while (end > 0 && CLOSING.includes(address[end - 1]!)) {
    if (address[end - 1] === ")") {
      if (closed <= opened) break;
      closed -= 1;
    }
    end -= 1;
  }
  return address.slice(0, end);
}

function parsed(address: string): string | undefined {
  try {
    const url = new URL(/^www\./i.test(address) ? `https://${address}` : address);
    return (url.protocol === "https:" || url.protocol === "http:") && isHost(url.hostname) ? url.href : undefined;
  } catch {
    return undefined;
  }
}

/** `www.` alone is no address: a name must follow, and an ending. */
function isHost(name: string): boolean {
  return name !== "" && (!/^www\./i.test(name) || /^www\.[^.]+\.[^.]/i.test(name));
}
