// What a text means: styles, code, quotes, mentions; and that nothing in it is ever more than text.
import assert from "node:assert/strict";
import { test } from "node:test";
import { shades } from "../src/lib/colours.ts";
import { blocks, type Inline } from "../src/lib/markup.ts";
import { candidates, typedName, withName } from "../src/lib/mentions.ts";

/** A line in a short form: `b(…)`, `i(…)`, `s(…)`, `c(…)`, `@(…)`, `l(…)`. */
const short = (inside: readonly Inline[]): string =>
  inside
    .map((part) => {
      if (part.kind === "text") return part.text;
      if ("inside" in part) return `${part.kind[0]}(${short(part.inside)})`;
      return `${{ link: "l", code: "c", mention: "@" }[part.kind]}(${part.text})`;
    })
    .join("");
const line = (text: string, mentions: string[] = []): string => blocks(text, mentions).map((block) => (block.kind === "code" ? `code(${block.text})` : block.kind === "quote" ? `quote(${short(block.inside)})` : short(block.inside))).join("|");

test("styles are those of Markdown, and a sign that begins nothing is itself", () => {
  for (const [text, meaning] of [
    ["**bold** *italic* _too_ ~~gone~~ `code`", "b(bold) i(italic) i(too) s(gone) c(code)"],
    ["**bold _and italic_**", "b(bold i(and italic))"],
    ["snake_case_name 2*3*4 a * b * c", "snake_case_name 2*3*4 a * b * c"],
    ["**open and *shut*", "**open and i(shut)"],
    ["*a **b* c**", "i(a **b) c**"],
    ["`**not bold**`", "c(**not bold**)"],
    ["**** ** __", "**** ** __"],
    ["**жирный**, *да*!", "b(жирный), i(да)!"],
    ["https://example.org/a_b_c and _x_", "l(https://example.org/a_b_c) and i(x)"],
    ["<b>no</b> <script>alert(1)</script>", "<b>no</b> <script>alert(1)</script>"],
  ] as const) assert.equal(line(text), meaning, text);
});

test("code and quotes are blocks, and keep their lines", () => {
  assert.deepEqual(blocks("see\n```rust\nfn main() {\n    *x\n}\n```\nthere"), [
    { kind: "text", inside: [{ kind: "text", text: "see" }] },
    { kind: "code", language: "rust", text: "fn main() {\n    *x\n}" },
    { kind: "text", inside: [{ kind: "text", text: "there" }] },
  ]);
  assert.equal(line("> one\n> *two*\nthree"), "quote(one\ni(two))|three");
  assert.equal(line("```\nno end"), "code(no end)");
  assert.equal(line("2 > 1\n>_<"), "2 > 1|quote(_<)");
});

test("only who is mentioned is marked, by the longest name, and not within a word", () => {
  assert.equal(line("@Anna Maria and @anna, not @annabel or x@anna", ["anna", "anna maria"]), "@(@Anna Maria) and @(@anna), not @annabel or x@anna");
  assert.equal(line("**@a.b**", ["a.b"]), "b(@(@a.b))");
  assert.equal(line("@axb", ["a.b"]), "@axb");
});

test("a text made to be hard is read in a moment", () => {
  for (const hard of ["*_".repeat(2000), "**".repeat(2000), "`".repeat(4000), "```\n".repeat(1000), "> ".repeat(2000), "*a ".repeat(1333), "@".repeat(4000)]) {
    const began = performance.now();
    blocks(hard, ["anna"]);
    assert.ok(performance.now() - began < 500, hard.slice(0, 10));
  }
});

test("the pieces of coloured code are the code", () => {
  const code = 'let x = "a // b"; // why\nfn f() -> u32 { 0x1F }';
  const found = shades(code, "rust");
  assert.equal(found.map(({ text }) => text).join(""), code);
  assert.deepEqual(found.filter(({ shade }) => shade !== "plain").map(({ text, shade }) => `${shade}:${text}`), ["keyword:let", 'string:"a // b"', "comment:// why", "keyword:fn", "number:0x1F"]);
  assert.deepEqual(shades("# no", "python")[0]?.shade, "comment");
  assert.deepEqual(shades("let x", ""), [{ text: "let x", shade: "plain" }]);
});

test("a name is being typed from its @ to the caret", () => {
  assert.deepEqual(typedName("hi @An", 6), { from: 3, letters: "An" });
  assert.deepEqual(typedName("@Anna Ma", 8), { from: 0, letters: "Anna Ma" });
  for (const [text, caret] of [["mail@an", 7], ["@ an", 4], ["@an\nx", 5], ["none", 4]] as const) assert.equal(typedName(text, caret), undefined, text);
  assert.deepEqual(withName("hi @An!", 3, 6, "Anna"), { text: "hi @Anna !", caret: 9 });
  assert.deepEqual(withName("hi @An there", 3, 6, "Anna"), { text: "hi @Anna there", caret: 9 });
});

test("those who are near come first, and nobody twice", () => {
  const user = (name: string) => ({ id: name.toLowerCase(), name });
  const found = candidates("an", [user("Boris"), user("Anna")], [user("Anna"), user("Andrew"), user("Maria Anna"), user("Me An")], "me an");
  assert.deepEqual(found.map(({ name }) => name), ["Anna", "Andrew", "Maria Anna"]);
});
