// The client protocol's Protobuf by a table: what a field is called, its number and its type.

/** Messages by name: `field: [number, type]`. A type is a scalar, another message, `[type]` (repeated) or `{map: type}`. */
const MESSAGES = {
  Command: {
    id: [1, 'uint'], connect: [4, 'ConnectRequest'], subscribe: [5, 'SubscribeRequest'], unsubscribe: [6, 'ChannelRequest'],
    publish: [7, 'PublishRequest'], presence: [8, 'ChannelRequest'], presence_stats: [9, 'ChannelRequest'],
    history: [10, 'HistoryRequest'], ping: [11, 'Empty'], send: [12, 'DataRequest'], rpc: [13, 'RpcRequest'],
    refresh: [14, 'RefreshRequest'], sub_refresh: [15, 'SubRefreshRequest'],
  },
  Empty: {},
  ChannelRequest: { channel: [1, 'string'] },
  DataRequest: { data: [1, 'bytes'] },
  RpcRequest: { data: [1, 'bytes'], method: [2, 'string'] },
  RefreshRequest: { token: [1, 'string'] },
  SubRefreshRequest: { channel: [1, 'string'], token: [2, 'string'], type: [3, 'int'] },
  PublishRequest: { channel: [1, 'string'], data: [2, 'bytes'], type: [3, 'int'], key: [4, 'string'], removed: [5, 'bool'] },
  HistoryRequest: { channel: [1, 'string'], limit: [7, 'int'], since: [8, 'StreamPosition'], reverse: [9, 'bool'] },
  StreamPosition: { offset: [1, 'uint'], epoch: [2, 'string'] },
  ConnectRequest: {
    token: [1, 'string'], data: [2, 'bytes'], subs: [3, { map: 'SubscribeRequest' }], name: [4, 'string'], version: [5, 'string'],
    headers: [6, { map: 'string' }], flag: [7, 'int'],
  },
  SubscribeRequest: {
    channel: [1, 'string'], token: [2, 'string'], recover: [3, 'bool'], epoch: [6, 'string'], offset: [7, 'uint'], data: [8, 'bytes'],
    positioned: [9, 'bool'], recoverable: [10, 'bool'], join_leave: [11, 'bool'], delta: [12, 'string'], tf: [13, 'FilterNode'], flag: [14, 'int'], type: [15, 'int'],
  },
  FilterNode: { op: [1, 'string'], key: [2, 'string'], cmp: [3, 'string'], val: [4, 'string'], vals: [5, ['string']], nodes: [6, ['FilterNode']] },
  Reply: {
    id: [1, 'uint'], error: [2, 'Error'], push: [4, 'Push'], connect: [5, 'ConnectResult'], subscribe: [6, 'SubscribeResult'],
    unsubscribe: [7, 'Empty'], publish: [8, 'Empty'], presence: [9, 'PresenceResult'], presence_stats: [10, 'PresenceStatsResult'],
    history: [11, 'HistoryResult'], ping: [12, 'Empty'], rpc: [13, 'DataRequest'], refresh: [14, 'RefreshResult'], sub_refresh: [15, 'Expiry'],
  },
  Error: { code: [1, 'uint'], message: [2, 'string'], temporary: [3, 'bool'] },
  Push: {
    id: [1, 'int'], channel: [2, 'string'], pub: [4, 'Publication'], join: [5, 'Presence'], leave: [6, 'Presence'], unsubscribe: [7, 'Unsubscribe'],
    message: [8, 'DataRequest'], subscribe: [9, 'Subscribe'], connect: [10, 'ConnectResult'], disconnect: [11, 'Disconnect'], refresh: [12, 'Expiry'],
  },
  Expiry: { expires: [1, 'bool'], ttl: [2, 'uint'] },
  Presence: { info: [1, 'ClientInfo'] },
  ClientInfo: { user: [1, 'string'], client: [2, 'string'], conn_info: [3, 'bytes'], chan_info: [4, 'bytes'] },
  Publication: {
    data: [4, 'bytes'], info: [5, 'ClientInfo'], offset: [6, 'uint'], tags: [7, { map: 'string' }], delta: [8, 'bool'], time: [9, 'int'],
    channel: [10, 'string'], key: [11, 'string'], removed: [12, 'bool'], epoch: [14, 'string'], version: [16, 'uint'],
  },
  Unsubscribe: { code: [2, 'uint'], reason: [3, 'string'] },
  Subscribe: { recoverable: [1, 'bool'], epoch: [4, 'string'], offset: [5, 'uint'], positioned: [6, 'bool'], data: [7, 'bytes'] },
  Disconnect: { code: [1, 'uint'], reason: [2, 'string'], reconnect: [3, 'bool'] },
  ConnectResult: {
    client: [1, 'string'], version: [2, 'string'], expires: [3, 'bool'], ttl: [4, 'uint'], data: [5, 'bytes'], subs: [6, { map: 'SubscribeResult' }],
    ping: [7, 'uint'], pong: [8, 'bool'], session: [9, 'string'], node: [10, 'string'], time: [11, 'int'], flag: [12, 'int'],
  },
  SubscribeResult: {
    expires: [1, 'bool'], ttl: [2, 'uint'], recoverable: [3, 'bool'], epoch: [6, 'string'], publications: [7, ['Publication']], recovered: [8, 'bool'],
    offset: [9, 'uint'], positioned: [10, 'bool'], data: [11, 'bytes'], was_recovering: [12, 'bool'], delta: [13, 'bool'], id: [14, 'int'], type: [15, 'int'],
  },
  PresenceResult: { presence: [1, { map: 'ClientInfo' }] },
  PresenceStatsResult: { num_clients: [1, 'uint'], num_users: [2, 'uint'] },
  HistoryResult: { publications: [1, ['Publication']], epoch: [2, 'string'], offset: [3, 'uint'] },
  RefreshResult: { client: [1, 'string'], version: [2, 'string'], expires: [3, 'bool'], ttl: [4, 'uint'] },
};

const typesOf = (type) => (type.map ? { field: 'entry', entry: { key: [1, 'string'], value: [2, type.map] } } : undefined);

/** One message behind its length, as commands stand in a frame. */
export function encodeDelimited(value, message = 'Command') {
  const body = encode(value, MESSAGES[message]);
  return Buffer.concat([varint(body.length), body]);
}

/** The messages of a frame; data as bytes, which `readable` makes readable. */
export function decodeDelimited(frame, message = 'Reply') {
  const reader = new Reader(frame);
  const found = [];
  while (!reader.isAtEnd) found.push(decode(reader.bytes(), MESSAGES[message]));
  return found;
}

function encode(value, fields) {
  const parts = [];
  for (const [name, content] of Object.entries(value)) {
    if (!(name in fields)) throw new Error(`no field ${name}`);
    const [number, type] = fields[name];
    if (Array.isArray(type)) for (const item of content) parts.push(encodeField(number, type[0], item));
    else if (type.map) for (const [key, item] of Object.entries(content)) parts.push(delimited(number, encode({ key, value: item }, typesOf(type).entry)));
    else parts.push(encodeField(number, type, content));
  }
  return Buffer.concat(parts);
}

function encodeField(number, type, content) {
  if (type === 'uint' || type === 'int' || type === 'bool') return Buffer.concat([varint(number << 3), varint(BigInt.asUintN(64, BigInt(content)))]);
  if (type === 'string') return delimited(number, Buffer.from(content));
  if (type === 'bytes') return delimited(number, content?.hex === undefined ? Buffer.from(JSON.stringify(content)) : Buffer.from(content.hex, 'hex'));
  return delimited(number, encode(content, MESSAGES[type]));
}

const delimited = (number, body) => Buffer.concat([varint((number << 3) | 2), varint(body.length), body]);

function varint(number) {
  const bytes = [];
  let rest = BigInt(number);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

/** What is not in the table stays visible as `field N`. */
function decode(bytes, fields) {
  const reader = new Reader(bytes);
  const byNumber = new Map(Object.entries(fields).map(([name, [number, type]]) => [number, [name, type]]));
  const found = {};
  while (!reader.isAtEnd) {
    const tag = Number(reader.varint());
    const content = (tag & 7) === 0 ? reader.varint() : reader.bytes();
    const [name, type] = byNumber.get(tag >> 3) ?? [`field ${tag >> 3}`, typeof content === 'bigint' ? 'int' : 'bytes'];
    if (Array.isArray(type)) (found[name] ??= []).push(decodeField(content, type[0]));
    else if (type.map) {
      const entry = decode(content, typesOf(type).entry);
      (found[name] ??= {})[entry.key ?? ''] = entry.value ?? (type.map === 'string' ? '' : {});
    } else found[name] = decodeField(content, type);
  }
  return found;
}

function decodeField(content, type) {
  if (type === 'bool') return content !== 0n;
  if (type === 'uint') return Number(content);
  if (type === 'int') return Number(BigInt.asIntN(64, content));
  if (type === 'string') return content.toString();
  if (type === 'bytes') return content;
  return decode(content, MESSAGES[type]);
}

/** The same with all data as JSON where they are JSON, else as `{hex}`. */
export function readable(value) {
  if (Buffer.isBuffer(value)) return readableData(value);
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(readable);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, readable(item)]));
}

function readableData(content) {
  try {
    return JSON.parse(content.toString());
  } catch {
    return { hex: content.toString('hex') };
  }
}

class Reader {
  #at = 0;

  constructor(buffer) {
    this.buffer = buffer;
  }

  get isAtEnd() {
    return this.#at >= this.buffer.length;
  }

  varint() {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.buffer[this.#at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  }

  bytes() {
    const length = Number(this.varint());
    if (this.#at + length > this.buffer.length) throw new Error('a length goes beyond the frame');
    return this.buffer.subarray(this.#at, (this.#at += length));
  }
}
