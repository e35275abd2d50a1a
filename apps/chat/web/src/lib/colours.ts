// Colours of code: enough to read by, for the languages that people paste into chats.

export type Shade = "comment" | "string" | "number" | "keyword" | "plain";

const KEYWORDS = new Set(
  (
    "abstract as async await auto bool break case catch char class const continue crate def default del do double dyn elif else end enum except export " +
    "extends extern false final finally float fn for from func function global go if impl implements import in instanceof int interface is lambda let " +
    "long loop match mod move mut new nil None not null or and override package pass private protected pub public raise ref required return self Self " +
    "short static string struct super switch template this throw trait true True False try type typedef typeof union unsafe use using var void where " +
    "while with yield select insert update delete from into values join create table order group by limit SELECT INSERT UPDATE DELETE FROM INTO VALUES " +
    "JOIN CREATE TABLE ORDER GROUP BY LIMIT WHERE echo then fi done esac"
  ).split(" "),
);

const HASH = new Set(["py", "python", "sh", "bash", "zsh", "shell", "ruby", "rb", "yaml", "yml", "toml", "perl", "dockerfile", "make", "console"]);
const DASHES = new Set(["sql", "lua", "haskell", "hs"]);

const STRING = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/y;
const NUMBER = /\b(?:0[xob][\da-fA-F_]+|\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?)\b/y;
const NAME = /[\p{L}_$][\p{L}\p{N}_$]*/uy;
const SLASHES = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y;
const HASHES = /#[^\n]*/y;
const MINUSES = /--[^\n]*/y;
/** Longer code stays without colours. */
const LONGEST = 4_000;

/** The code in pieces of one shade each; together they are the code. A language that is not named has no colours. */
export function shades(code: string, language: string): { text: string; shade: Shade }[] {
  if (language === "" || language === "text" || code.length > LONGEST) return [{ text: code, shade: "plain" }];
  const comment = HASH.has(language) ? HASHES : DASHES.has(language) ? MINUSES : SLASHES;
  const list: { text: string; shade: Shade }[] = [];
  let plain = "";
  const add = (text: string, shade: Shade): void => {
    if (plain !== "") list.push({ text: plain, shade: "plain" });
    plain = "";
    list.push({ text, shade });
  };
  const rules: [RegExp, Shade][] = [
    [comment, "comment"],
    [STRING, "string"],
    [NUMBER, "number"],
  ];
  for (let at = 0; at < code.length; ) {
    const found = rules.map(([rule, shade]) => ({ text: match(rule, code, at), shade })).find(({ text }) => text !== undefined);
    if (found) {
      add(found.text!, found.shade);
      at += found.text!.length;
      continue;
    }
    const name = match(NAME, code, at);
    if (name !== undefined && KEYWORDS.has(name)) add(name, "keyword");
    else plain += name ?? code[at]!;
    at += name?.length ?? 1;
  }
  if (plain !== "") list.push({ text: plain, shade: "plain" });
  return list;
}

function match(rule: RegExp, code: string, at: number): string | undefined {
  rule.lastIndex = at;
  return rule.exec(code)?.[0];
}
