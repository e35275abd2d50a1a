// The reader of pages finds what is to be run, and an expectation refuses what was not printed.

import assert from 'node:assert/strict';
import test from 'node:test';
import { expectation, readPage } from './page.mjs';

const page = (...lines) => readPage(lines.join('\n'));

test('a command with an open quotation mark goes on in the next line', () => {
  const [block] = page('```console', "$ curl -d '{", '  "a": 1', "}'", 'answer', '$ true', '```');
  assert.deepEqual(block.commands, [
    { command: "curl -d '{\n  \"a\": 1\n}'", expected: ['answer'], line: 2 },
    { command: 'true', expected: [], line: 6 },
  ]);
});

test('a here-document belongs to its command', () => {
  const [block] = page('```console', "$ cat > it's <<'END'", 'one', '', 'END', 'answer', '```');
  assert.deepEqual(block.commands, [{ command: "cat > it's <<'END'\none\n\nEND", expected: ['answer'], line: 2 }]);
});

test('files, background commands and their output are told apart', () => {
  const blocks = page('```json file=a.json', '{}', '```', '```console background port=8001 until="in the room"', '$ node a', '```', '```text output=a', 'x', '```', '```json', '1', '```');
  assert.deepEqual(blocks, [
    { kind: 'file', name: 'a.json', text: '{}\n', line: 1 },
    { kind: 'start', command: 'node a', port: 8001, name: undefined, until: 'in the room', line: 4 },
    { kind: 'output', of: 'a', expected: ['x'], line: 7 },
  ]);
});

test('a block that shows a source names it in the line above', () => {
  const blocks = page('<!-- source: examples/a.rs -->', '```rust,no_run', 'fn main() {}', '```', '```rust', '1', '```');
  assert.deepEqual(blocks, [{ kind: 'source', path: 'examples/a.rs', text: 'fn main() {}\n', line: 2 }]);
});

test('a console block without a command is an error that names its line', () => {
  assert.throws(() => page('text', '```console', 'veche', '```'), /line 3: a console block begins with/);
});

test('an ellipsis matches within its line, a line of it any lines, and nothing else is forgiven', () => {
  const expected = expectation(['id …!', '…', 'end']);
  assert.match('id 5!\nend\n', expected);
  assert.match('id 5!\na\nb\nend\n', expected);
  assert.doesNotMatch('id 5\nend\n', expected);
  assert.doesNotMatch('id 5!\nend\nmore\n', expected);
  assert.doesNotMatch('id\n5!\nend\n', expected);
  assert.doesNotMatch('', expectation(['x']));
  assert.match('', expectation([]));
});
