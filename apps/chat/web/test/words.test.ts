// Words, links, times, people: what the reader sees.
import assert from "node:assert/strict";
import { test } from "node:test";
import { newId } from "../src/lib/ids.ts";
import { snippets } from "../src/lib/join.ts";
import { parts } from "../src/lib/links.ts";
import { heardTyping, people, stillTyping, TYPING_HOLDS } from "../src/lib/people.ts";
import { day } from "../src/lib/times.ts";
import { dictionaries } from "../src/lib/words.ts";

test("Russian has its three forms beside a number", () => {
  const { peopleCount, newCount } = dictionaries.ru;
  assert.deepEqual([1, 2, 5, 11, 21, 22, 111].map((n) => newCount(n)), ["1 новое сообщение", "2 новых сообщения", "5 новых сообщений", "11 новых сообщений", "21 новое сообщение", "22 новых сообщения", "111 новых сообщений"]);
  assert.deepEqual([1, 3, 12].map((n) => peopleCount(n)), ["1 человек", "3 человека", "12 человек"]);
  assert.deepEqual([1, 2].map((n) => dictionaries.en.peopleCount(n)), ["1 person", "2 people"]);
});

/** The texts of a word, or of a group of them. */
function texts(word: unknown): string[] {
  if (typeof word === "function") return [(word as (...args: unknown[]) => string)("2", "3")];
  return typeof word === "string" ? [word] : Object.values(word as object).flatMap(texts);
}

test("both languages have every word, and none is left in the other one", () => {
  for (const [key, word] of Object.entries(dictionaries.ru)) {
    for (const text of texts(word)) assert.match(text, /[а-я]/i, key);
  }
  assert.deepEqual(Object.keys(dictionaries.ru), Object.keys(dictionaries.en));
  assert.deepEqual(Object.keys(dictionaries.ru.refusals), Object.keys(dictionaries.en.refusals));
});

test("only http addresses become links, without the sentence around them", () => {
  assert.deepEqual(parts("see https://example.org/a_(b), or (http://x.io)."), [
    { text: "see " },
    { text: "https://example.org/a_(b)", href: "https://example.org/a_(b)" },
    { text: ", or (" },
    { text: "http://x.io", href: "http://x.io/" },
    { text: ")." },
  ]);
  for (const text of ["www.", "www.x", "www..x", "awww.ru.x", "javascript:alert(1)", "<img src=x onerror=alert(1)>", "data:text/html,x", "https://"]) {
    assert.deepEqual(parts(text), [{ text }]);
  }
  assert.ok(parts('https://a.b/"onclick="x').every(({ href }) => !href?.includes('"')));
});

test("an address that begins with www. is a link too", () => {
  assert.deepEqual(parts("see www.example.org/a, please"), [{ text: "see " }, { text: "www.example.org/a", href: "https://www.example.org/a" }, { text: ", please" }]);
});

test("a closing bracket belongs to an address only if it was opened there", () => {
  const links = (text: string): string[] => parts(text).flatMap(({ text, href }) => (href ? [text] : []));
  assert.deepEqual(links("(https://a.b/c)"), ["https://a.b/c"]);
  assert.deepEqual(links("https://a.b/(c)(d)"), ["https://a.b/(c)(d)"]);
  assert.deepEqual(links("https://a.b/(c))).,"), ["https://a.b/(c)"]);
});

// Trimming that looks at the whole rest for each bracket would take hours here.
test("a link with a million brackets is cut as fast as any other", { timeout: 30_000 }, () => {
  assert.equal(parts(`http://a${")".repeat(1_000_000)}`)[0]?.text, "http://a");
  assert.equal(parts(`http://a/${"(".repeat(500_000)}${")".repeat(500_000)}`).length, 1);
});

test("the text is the same when its parts are put together", () => {
  const text = "a https://x.io/… b\nhttps://y.io!?\n";
  assert.equal(parts(text).map((part) => part.text).join(""), text);
});

test("days are named as one says them", () => {
  const now = new Date(2026, 4, 10, 0, 5).getTime();
  assert.equal(day("ru", now - 10 * 60_000, now), "Вчера");
  assert.equal(day("en", now, now), "Today");
  assert.match(day("ru", new Date(2026, 4, 1).getTime(), now), /1 мая/);
  assert.match(day("en", new Date(2024, 0, 2).getTime(), now), /2 January 2024/);
});

test("two tabs are one person, and oneself comes first", () => {
  const info = (client: string, user: string, name?: string) => ({ client, user, connInfo: name === undefined ? undefined : { name } });
  const list = people([info("1", "boris", "Борис"), info("2", "anna", "Анна"), info("3", "boris", "Борис"), info("4", "curl")], "boris", "ru");
  assert.deepEqual(list.map(({ name, connections }) => [name, connections]), [["Борис", 2], ["Анна", 1], ["curl", 1]]);
});

test("typing ends by itself, and with the message", () => {
  const typing = heardTyping(heardTyping(new Map(), "anna", "Анна", 0), "boris", "Борис", 1000);
  assert.deepEqual([...stillTyping(typing, TYPING_HOLDS + 1).keys()], ["boris"]);
  assert.deepEqual([...stillTyping(typing, 1, "boris").keys()], ["anna"]);
  assert.equal(stillTyping(typing, 1), typing);
});

test("message ids are UUIDs of version 4, each another", () => {
  const made = new Set(Array.from({ length: 100 }, newId));
  assert.equal(made.size, 100);
  for (const id of made) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("the commands name the room and the addresses", () => {
  for (const text of Object.values(snippets("tea", "http://h:1", "ws://h:1"))) {
    assert.match(text, /tea/);
    assert.match(text, /(http|ws):\/\/h:1\//);
  }
});
