// Runs what the documentation says: each page's commands print what the page shows.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { expectation, readPage } from './page.mjs';
import { openShell } from './shell.mjs';

const folder = new URL('../../docs/', import.meta.url);
const chosen = process.env.DOCS_PAGE;

for (const name of readdirSync(folder).filter((name) => name.endsWith('.md') && (!chosen || name === chosen))) {
  const markdown = readFileSync(new URL(name, folder), 'utf8');
  const blocks = readPage(markdown);
  if (blocks.some(({ kind }) => !['file', 'source'].includes(kind))) test(`docs/${name}`, (t) => runPage(t, name, markdown, blocks));
}

async function runPage(t, name, markdown, blocks) {
  const shell = await openShell(markdown);
  try {
    for (const block of blocks) await t.test(`${name}:${block.line} ${block.kind}`, () => runBlock(shell, name, block));
  } finally {
    await shell.close();
  }
}

async function runBlock(shell, name, block) {
  switch (block.kind) {
    case 'file':
      return shell.write(block.name, block.text);
    case 'source': {
      const source = readFileSync(new URL(`../../${block.path}`, import.meta.url), 'utf8');
      return assert.ok(source.endsWith(`\n\n${block.text}`), `${name}:${block.line} is not what ${block.path} says`);
    }
    case 'start':
      return shell.start(block);
    case 'output':
      return matches(await shell.printed(block.of, expectation(block.expected)), block.expected, `${name}:${block.line}`);
    case 'run':
      for (const { command, expected, line } of block.commands) {
        const { exit, output } = await shell.run(command);
        assert.equal(exit, block.exit, `${name}:${line}: exit code of\n${command}\nwhich printed\n${output}`);
        matches(output, expected, `${name}:${line}: ${command}`);
      }
      return undefined;
    default:
      throw new Error(`no such block: ${block.kind}`);
  }
}

function matches(output, expected, where) {
  const printed = output === '' || output.endsWith('\n') ? output : `${output}\n`;
  if (!expectation(expected).test(printed)) assert.equal(printed, `${expected.join('\n')}\n`, where);
}
