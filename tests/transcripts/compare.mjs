// Whether two runs of a sequence are the same: replies among replies, pushes within a channel, the end of a connection.

/** Seconds by which two `ttl` may differ: the clock moved between the token and the answer. */
const TTL_TOLERANCE = 2;

/** The recorded outcome of a sequence with what is another on purpose put in its place. */
export function expectedOf(sequence, got) {
  return got.map((events, at) => ({ ...events, ...sequence.steps[at].instead?.gets }));
}

/** The event without the body in which Veche says why it refuses, where what was recorded has none. */
function withoutReason(recorded, event) {
  const isReason = event?.status >= 400 && Object.keys(event.body ?? {}).join() === 'error';
  return isReason && recorded?.status && !('body' in recorded) ? { status: event.status } : event;
}

/** How many events each lane has at least after these steps. */
export function countsOf(got) {
  return new Map([...lanesOf(got)].map(([lane, events]) => [lane, events.length]));
}

/** Whether each lane has at least as many events as `counts`. */
export function hasAll(got, counts) {
  const lanes = lanesOf(got);
  return [...counts].every(([lane, count]) => (lanes.get(lane)?.length ?? 0) >= count);
}

/** A description of the first difference of each lane, or nothing. */
export function differences(expected, actual) {
  const [wanted, found] = [lanesOf(expected), lanesOf(actual)];
  const told = [];
  for (const lane of new Set([...wanted.keys(), ...found.keys()])) {
    const [left, right] = [wanted.get(lane) ?? [], found.get(lane) ?? []];
    for (let at = 0; at < Math.max(left.length, right.length); at++) {
      if (same(left[at]?.event, withoutReason(left[at]?.event, right[at]?.event))) continue;
      told.push(`${lane}, number ${at + 1}\n  recorded ${describe(left[at])}\n  got      ${describe(right[at])}`);
      break;
    }
  }
  return told;
}

const describe = (item) => (item ? `(step ${item.step + 1}) ${JSON.stringify(item.event)}` : 'nothing');

/** Events by lane, each with the step at which it came. A run of pings is one. */
function lanesOf(got) {
  const lanes = new Map();
  for (const [step, events] of got.entries()) {
    for (const [who, list] of Object.entries(events)) {
      for (const event of list) {
        const lane = `${who}: ${laneOf(event)}`;
        if (!lanes.has(lane)) lanes.set(lane, []);
        const items = lanes.get(lane);
        if (laneOf(event) === 'pings' && items.length > 0) continue;
        items.push({ event, step });
      }
    }
  }
  return lanes;
}

function laneOf(event) {
  const { push } = event.reply ?? event;
  if (event.ping || event.framePing) return 'pings';
  if (event.close || event.end || event.refused) return 'end';
  if (event.status) return 'answers';
  return push ? `pushes of ${push.channel ?? 'no channel'}` : 'replies';
}

function same(left, right, key) {
  if (typeof left === 'number' && typeof right === 'number' && key === 'ttl') return Math.abs(left - right) <= TTL_TOLERANCE;
  if (left === null || right === null || typeof left !== 'object' || typeof right !== 'object') return left === right;
  if (Array.isArray(left) !== Array.isArray(right)) return false;
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  // The text says it all but for the time that is left.
  if ('exact' in left && 'exact' in right) return left.exact.replace(/"ttl":\d+/g, '') === right.exact.replace(/"ttl":\d+/g, '');
  return [...names].every((name) => name in left && name in right && same(left[name], right[name], name));
}
