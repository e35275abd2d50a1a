// The three ways to speak on a WebSocket, for tests that write frames by hand.

import { constants, deflateRawSync } from 'node:zlib';
import { encodeDelimited } from '../transcripts/codec.mjs';
import { BINARY, NO_MASK, TEXT, frame, openRawWebSocket } from './raw.mjs';

/** A command of the client protocol as an action of the plain dialect. */
function action({ id, ...rest }) {
  const [[verb, body]] = Object.entries(rest);
  const { tf, offset, epoch, recover, token, ...fields } = body;
  if (verb === 'connect') return { action: 'login', token, id };
  if (verb === 'presence_stats') return { action: 'presence', stats: true, ...fields, id };
  if (tf) fields.filter = tf;
  if (recover) fields.since = `${epoch}:${offset}`;
  return { action: verb, ...fields, ...(token && { token }), id };
}

/** By name: where it is spoken, and how commands become messages. */
export const DIALECTS = {
  JSON: { door: '/connection/websocket', opcode: TEXT, spell: (commands) => Buffer.from(commands.map((command) => JSON.stringify(command)).join('\n')) },
  Protobuf: { door: '/connection/websocket', protocol: 'centrifuge-protobuf', opcode: BINARY, spell: (commands) => Buffer.concat(commands.map((command) => encodeDelimited(command))) },
  plain: { door: '/connection/plain', opcode: TEXT, isSingle: true, spell: ([command]) => Buffer.from(JSON.stringify(action(command))) },
};

/** What a compressed message looks like on the wire, without context of earlier ones. */
export const packed = (bytes) => deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);

export const DEFLATE = 'Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; server_no_context_takeover';

/** A raw connection of a dialect that has said nothing yet. */
export async function openUpgraded(t, server, dialect, { deflate = false } = {}) {
  const { door, protocol } = DIALECTS[dialect];
  const raw = await openRawWebSocket(t, server, door, { protocol, headers: deflate ? [DEFLATE] : [] });
  if (dialect === 'plain') await raw.frame();
  return raw;
}

/** A raw connection of a dialect, connected. `token` says who it is. */
export async function openDialect(t, server, dialect, { deflate = false, token } = {}) {
  const { opcode, spell } = DIALECTS[dialect];
  const raw = await openUpgraded(t, server, dialect, { deflate });
  if (dialect !== 'plain' || token) {
    raw.write(frame(opcode, spell([{ id: 1, connect: token ? { token } : {} }])));
    await raw.frame();
  }
  return raw;
}

/** Messages of these commands, none longer than `limit` bytes, as `{wire, inflated}`: the frames to send, and the size within. */
export function messages(dialect, commands, { deflate = false, limit = 60_000, perMessage = Infinity } = {}) {
  const { opcode, spell, isSingle } = DIALECTS[dialect];
  const most = isSingle ? 1 : perMessage;
  const frames = [];
  let inflated = 0;
  let group = [];
  let size = 0;
  const send = () => {
    const message = spell(group);
    inflated += message.length;
    frames.push(deflate ? frame(opcode, packed(message), { rsv1: true, mask: NO_MASK }) : frame(opcode, message, { mask: NO_MASK }));
    [group, size] = [[], 0];
  };
  for (const command of commands) {
    const more = spell([command]).length + 1;
    if (group.length === most || (group.length > 0 && size + more > limit)) send();
    group.push(command);
    size += more;
  }
  send();
  return { wire: Buffer.concat(frames), inflated };
}
