// What a text means: a safe part of Markdown, web addresses and mentions. It becomes data, never markup.
import { parts } from "./links.ts";

export type Inline =
  | { kind: "text"; text: string }
  | { kind: "link"; text: string; href: string }
  | { kind: "code"; text: string }
  /** Somebody's name behind an `@`. */
  | { kind: "mention"; text: string; user: string }
  | { kind: "bold" | "italic" | "strike"; inside: Inline[] };

export type Block = { kind: "text"; inside: Inline[] } | { kind: "quote"; inside: Inline[] } | { kind: "code"; language: string; text: string };

const FENCE = /^```([\w+#.-]{0,20})\s*$/;

/** The blocks of a text; `mentions` are the ids of the users who are mentioned in it. Linear in time. */
export function blocks(text: string, mentions: readonly string[] = []): Block[] {
  const list: Block[] = [];
  const lines = text.split("\n");
  const names = mentionPattern(mentions);
  let plain: string[] = [];
  const flush = (): void => {
    if (plain.some((line) => line !== "")) list.push({ kind: "text", inside: inline(plain.join("\n"), names) });
    plain = [];
  };
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!;
    const fence = FENCE.exec(line);
    const end = fence ? lines.findIndex((other, index) => index > at && other.trimEnd() === "```") : -1;
    if (fence && end > 0) {
      flush();
      list.push({ kind: "code", language: fence[1]!.toLowerCase(), text: lines.slice(at + 1, end).join("\n") });
      at = end;
    } else if (fence) {
      // Nothing ends it: the rest is code, as its author sees it grow.
      flush();
      list.push({ kind: "code", language: fence[1]!.toLowerCase(), text: lines.slice(at + 1).join("\n") });
      at = lines.length;
    } else if (/^> ?\S/.test(line)) {
      flush();
      const quoted = [line];
      while (/^>/.test(lines[at + 1] ?? "")) quoted.push(lines[++at]!);
      list.push({ kind: "quote", inside: inline(quoted.map((one) => one.replace(/^> ?/, "")).join("\n"), names) });
    } else plain.push(line);
  }
  flush();
  return list;
}

type Style = "bold" | "italic" | "strike";
/** A sign that may begin or end a style, or be only itself. */
type Sign = { kind: "sign"; sign: string; style: Style; opens: boolean; closes: boolean };
type Token = Exclude<Inline, { inside: Inline[] }> | Sign;

/** How deep styles stand in each other; deeper signs are text. */
const DEEPEST = 6;

function inline(text: string, names: RegExp | undefined): Inline[] {
  const output: Inline[] = [];
  const open: { sign: string; at: number }[] = [];
  for (const token of tokens(text, names)) {
    if (token.kind !== "sign") {
      push(output, token);
      continue;
    }
    const begun = token.closes ? open.findLastIndex(({ sign }) => sign === token.sign) : -1;
    if (begun >= 0 && open[begun]!.at < output.length - 1) {
      const { at } = open[begun]!;
      const inside = output.splice(at + 1);
      output[at] = { kind: token.style, inside };
      open.length = begun;
    } else {
      if (token.opens && open.length < DEEPEST) {
        open.push({ sign: token.sign, at: output.length });
        // Not joined with the text before it: it may become a style.
        output.push({ kind: "text", text: token.sign });
      } else push(output, { kind: "text", text: token.sign });
    }
  }
  return output;
}

function push(output: Inline[], next: Inline): void {
  output.push(next);
}

const CODE = /`([^`\n]+)`/g;
const SIGNS = /\*\*|~~|[*_]/g;
const STYLES: Record<string, Style> = { "**": "bold", "~~": "strike", "*": "italic", _: "italic" };

function* tokens(text: string, names: RegExp | undefined): Generator<Token> {
  let from = 0;
  for (const match of text.matchAll(CODE)) {
    yield* withoutCode(text.slice(from, match.index), names);
    yield { kind: "code", text: match[1]! };
    from = match.index + match[0].length;
  }
  yield* withoutCode(text.slice(from), names);
}

function* withoutCode(text: string, names: RegExp | undefined): Generator<Token> {
  for (const { text: part, href } of parts(text)) {
    if (href !== undefined) yield { kind: "link", text: part, href };
    else yield* withoutLinks(part, names);
  }
}

function* withoutLinks(text: string, names: RegExp | undefined): Generator<Token> {
  let from = 0;
  if (names) {
    for (const match of text.matchAll(names)) {
      yield* signs(text.slice(from, match.index));
      yield { kind: "mention", text: match[0], user: match[1]!.toLowerCase() };
      from = match.index + match[0].length;
    }
  }
  yield* signs(text.slice(from));
}

const WORD = /[\p{L}\p{N}]/u;

function* signs(text: string): Generator<Token> {
  let from = 0;
  for (const match of text.matchAll(SIGNS)) {
    const end = match.index + match[0].length;
    const [before, after] = [text[match.index - 1] ?? " ", text[end] ?? " "];
    const isInWord = WORD.test(before) && WORD.test(after);
    if (match.index > from) yield { kind: "text", text: text.slice(from, match.index) };
    // `snake_case` and `2*3*4` are words, and a sign between spaces is only itself.
    const opens = !isInWord && !WORD.test(before) && !(/\s/.test(after) && end < text.length);
    const closes = !isInWord && !WORD.test(after) && !(/\s/.test(before) && match.index > 0);
    yield { kind: "sign", sign: match[0], style: STYLES[match[0]]!, opens, closes };
    from = end;
  }
  if (from < text.length) yield { kind: "text", text: text.slice(from) };
}

/** Finds the names of these users behind an `@`, the longest first. */
function mentionPattern(users: readonly string[]): RegExp | undefined {
  if (users.length === 0) return undefined;
  const escaped = [...users].sort((a, b) => b.length - a.length).map((user) => user.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"));
  return new RegExp(`(?<![\\p{L}\\p{N}])@(${escaped.join("|")})(?![\\p{L}\\p{N}])`, "giu");
}
