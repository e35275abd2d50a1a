// Records what a Centrifugo does with the sequences: CENTRIFUGO_BIN=/path/to/centrifugo node record.mjs [GROUP...]

import { writeFileSync } from 'node:fs';
import { fileOf, groups, plainSteps, runsOf, SIDE_BY_SIDE } from './groups.mjs';

/** A step is over when nothing came for so long. */
const QUIET_MS = 120;

if (!process.env.CENTRIFUGO_BIN) throw new Error('CENTRIFUGO_BIN names the program to record');
process.env.VECHE_BIN = process.env.CENTRIFUGO_BIN;
const { startServer } = await import('../e2e/server.mjs');
const { runSequence } = await import('./run.mjs');

async function quiet(_, run, step) {
  const until = Date.now() + (step.wait ?? 0);
  for (;;) {
    const rest = Math.max(until - Date.now(), run.lastEventAt + QUIET_MS - Date.now());
    if (rest <= 0) return;
    await run.nextEvent(rest);
  }
}

async function record(group) {
  const server = await startServer(undefined, group.config);
  const runs = runsOf(group);
  const lines = new Array(runs.length);
  const waiting = [...runs];
  const work = async () => {
    for (let run = waiting.shift(); run; run = waiting.shift()) {
      const got = await runSequence(server, run.sequence, run.encoding, run.index, quiet);
      lines[run.index] = JSON.stringify({ name: run.name, steps: plainSteps(run.sequence.steps), got });
    }
  };
  try {
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
  } catch (error) {
    throw new Error(`${group.name}: ${error.message}\n${server.log.slice(-2000)}`);
  } finally {
    await server.end();
  }
  writeFileSync(fileOf(group.name), `${lines.join('\n')}\n`);
  console.log(`${group.name}: ${lines.length} recorded`);
}

for (const group of await groups(process.argv.slice(2))) await record(group);
