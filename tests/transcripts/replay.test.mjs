// Replays the recorded sequences against Veche; TRANSCRIPTS="api streams" names some groups only.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startServer } from '../e2e/server.mjs';
import { countsOf, differences, expectedOf, hasAll } from './compare.mjs';
import { groups, plainSteps, recordingOf, runsOf, SIDE_BY_SIDE } from './groups.mjs';
import { runSequence } from './run.mjs';

/** How long something recorded may take to come. */
const DEADLINE_MS = 4_000;

/** How long a sequence is watched for what should not come. */
const QUIET_MS = 60;

/** How many groups run side by side, each with a server of its own. */
const GROUPS_AT_ONCE = 4;

const wanted = (process.env.TRANSCRIPTS ?? '').split(' ').filter(Boolean);

const all = await groups(wanted);

describe('transcripts', { concurrency: GROUPS_AT_ONCE }, () => {
  for (const group of all) describe(group.name, { concurrency: SIDE_BY_SIDE }, () => replayGroup(group));
});

function replayGroup(group) {
  const recording = recordingOf(group.name);
  const runs = runsOf(group);
  let server;
  before(async () => (server = await startServer(undefined, group.config)));
  after(() => server?.end());
  for (const run of runs) test(run.name, () => replay(server, run, recording.get(run.name)));
}

async function replay(server, { sequence, encoding, index }, recorded) {
  assert.deepEqual(recorded?.steps, JSON.parse(JSON.stringify(plainSteps(sequence.steps))), 'the sequence changed since it was recorded; record again');
  const expected = expectedOf(sequence, recorded.got);
  const got = await runSequence(server, sequence, encoding, index, (at, run, step) => pace(expected, at, run, step));
  const told = differences(expected, got);
  assert.ok(told.length === 0, told.join('\n'));
}

/** Goes on when all that is to come by this step has come; where nothing is, after the step's own time. */
async function pace(expected, at, run, step) {
  const counts = countsOf(expected.slice(0, at + 1));
  const deadline = Date.now() + DEADLINE_MS + (step.wait ?? 0);
  while (!hasAll(run.got, counts) && Date.now() < deadline) await run.nextEvent(deadline - Date.now());
  const isEmpty = Object.keys(expected[at]).length === 0;
  const isLast = at === expected.length - 1;
  const watched = isEmpty && step.wait ? step.wait : isLast ? QUIET_MS : 0;
  for (const until = Date.now() + watched; Date.now() < until; ) await run.nextEvent(until - Date.now());
}
