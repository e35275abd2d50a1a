// Reads a page of the documentation: the files it shows and the commands it runs, in their order.

const FENCE = /^```(\w*)(?:,[\w,]+)?(?: +(.*))?$/; // rustdoc has its attributes behind a comma

const SOURCE = /^<!-- source: (\S+) -->$/;

const text = (body) => `${body.join('\n')}\n`;

/**
 * The blocks of a page that do something, each with `line`, where it stands (from 1):
 *
 * - `{ kind: 'file', name, text }`: a block of any language with `file=NAME` in its info string;
 * - `{ kind: 'source', path, text }`: a block below `<!-- source: PATH -->`, which shows the end of that file of the repository;
 * - `{ kind: 'run', commands, exit }`: `console`, with `{ command, expected, line }` for each line that begins with `$`;
 * - `{ kind: 'start', command, port, name, until }`: `console background`;
 * - `{ kind: 'output', of, expected }`: a block of any language with `output=NAME`, all that this background command printed.
 */
export function readPage(markdown) {
  const blocks = [];
  const lines = markdown.split('\n');
  for (let at = 0; at < lines.length; at += 1) {
    const fence = FENCE.exec(lines[at]);
    if (!fence) continue;
    const line = at + 1;
    const end = lines.indexOf('```', line);
    if (end < 0) throw new Error(`line ${line}: this block has no end`);
    const body = lines.slice(line, end);
    const [, path] = SOURCE.exec(lines[at - 1] ?? '') ?? [];
    const block = path ? { kind: 'source', path, text: text(body) } : blockOf(fence[1], options(fence[2] ?? ''), body, line);
    if (block) blocks.push({ ...block, line });
    at = end;
  }
  return blocks;
}

function blockOf(language, options, body, line) {
  if (options.file) return { kind: 'file', name: options.file, text: text(body) };
  if (options.output) return { kind: 'output', of: options.output, expected: body };
  if (language !== 'console') return undefined;
  const commands = commandsOf(body, line);
  if (!('background' in options)) return { kind: 'run', commands, exit: Number(options.exit ?? 0) };
  if (commands.length !== 1) throw new Error(`line ${line}: a background block holds one command`);
  const { command } = commands[0];
  return { kind: 'start', command, port: Number(options.port ?? 8000), name: options.name, until: options.until };
}

/** Words of an info string: `flag`, `name=value`, `name="value with blanks"`. */
function options(info) {
  const found = {};
  for (const [, name, quoted, bare] of info.matchAll(/(\w+)(?:=(?:"([^"]*)"|(\S+)))?/g)) found[name] = quoted ?? bare ?? '';
  return found;
}

/** A command goes on while its line ends with a backslash, or a quotation mark or a here-document is open. */
function commandsOf(body, line) {
  const commands = [];
  for (let at = 0; at < body.length; at += 1) {
    if (!body[at].startsWith('$ ')) {
      if (commands.length === 0) throw new Error(`line ${line + 1 + at}: a console block begins with "$ "`);
      commands.at(-1).expected.push(body[at]);
      continue;
    }
    const command = { command: body[at].slice(2), expected: [], line: line + 1 + at };
    while (goesOn(command.command) && at + 1 < body.length) command.command += `\n${body[(at += 1)]}`;
    commands.push(command);
  }
  return commands;
}

function goesOn(command) {
  const [, word] = /<< *'?(\w+)'?/.exec(command) ?? [];
  if (word) return !command.endsWith(`\n${word}`);
  return command.endsWith('\\') || command.split("'").length % 2 === 0;
}

/** The expression of what a page says is printed: `…` is any text in a line, a line of `…` alone any lines. */
export function expectation(expected) {
  const lines = expected.map((line) => line.trimEnd());
  while (lines.at(-1) === '') lines.pop();
  const pattern = lines.map((line) => (line.trim() === '…' ? '(?:[^\\n]*\\n)*?' : `${line.split('…').map(escape).join('[^\\n]*')}[ \\t]*\\n`));
  return new RegExp(`^${pattern.join('')}$`);
}

const escape = (text) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
