// All groups: a configuration each, and its sequences in both encodings.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const NAMES = ['connect', 'tokens', 'frames', 'subscribe', 'publish', 'streams', 'server-side', 'api', 'timers', 'limits', 'insecure', 'anonymous', 'names', 'edges', 'deltas', 'filters', 'personal', 'sole', 'gaps', 'fresh', 'modes', 'overrides', 'compressed'];

/** How many sequences of a group run side by side. */
export const SIDE_BY_SIDE = 8;

/** The groups, or those of these names. */
export async function groups(only = []) {
  const wanted = NAMES.filter((name) => only.length === 0 || only.includes(name));
  return Promise.all(wanted.map(async (name) => ({ name, ...(await import(`./groups/${name}.mjs`)) })));
}

/** The runs of a group: each sequence in each encoding, with a number of its own. */
export function runsOf({ sequences }) {
  const runs = sequences.flatMap((sequence) => (sequence.only ? [sequence.only] : ['json', 'protobuf']).map((encoding) => ({ sequence, encoding, name: `${sequence.name} (${encoding})` })));
  const twice = runs.find(({ name }, at) => runs.findIndex((other) => other.name === name) !== at);
  if (twice) throw new Error(`two sequences have the name "${twice.name}"`);
  return runs.map((run, index) => ({ ...run, index }));
}

/** Where a group's recording is. */
export const fileOf = (name) => fileURLToPath(new URL(`recordings/${name}.jsonl`, import.meta.url));

/** What was recorded of a group, by the name of the run: `{steps, got}`. */
export function recordingOf(name) {
  const lines = readFileSync(fileOf(name), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
  return new Map(lines.map((line) => [line.name, line]));
}

/** The steps as they are recorded: without what is another on purpose. */
export const plainSteps = (steps) => steps.map(({ instead, ...step }) => step);
