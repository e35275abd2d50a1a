// What a subscriber with deltas makes of them: the data as they were published.

/**
 * Keeps the base of each channel that one client takes with deltas, and puts `{patched: text}` in the place of the
 * data that a delta makes. How a server cuts is its own affair; what comes of it is not.
 */
export class Patcher {
  #bases = new Map();

  /** Takes note of a reply or push, and returns it with its deltas applied. `channel` is the one that was subscribed to. */
  read(event, channel) {
    if (event.subscribe?.delta) return { ...event, subscribe: this.#begin(channel, event.subscribe) };
    if (event.unsubscribe && !event.push) this.#bases.delete(channel);
    if (event.push?.unsubscribe) this.#bases.delete(event.push.channel);
    if (event.connect?.subs) return { ...event, connect: this.#connected(event.connect) };
    if (!event.push?.pub || !this.#bases.has(event.push.channel)) return event;
    return { ...event, push: { ...event.push, pub: this.#publication(event.push.channel, event.push.pub) } };
  }

  #connected(connect) {
    const subs = Object.entries(connect.subs).map(([name, sub]) => [name, sub.delta ? this.#begin(name, sub) : sub]);
    return { ...connect, subs: Object.fromEntries(subs) };
  }

  #begin(channel, result) {
    this.#bases.set(channel, undefined);
    const { publications } = result;
    return publications ? { ...result, publications: publications.map((publication) => this.#publication(channel, publication)) } : result;
  }

  #publication(channel, publication) {
    const bytes = this.#bytes(publication.data);
    if (!publication.delta) {
      this.#bases.set(channel, bytes);
      return publication;
    }
    const target = apply(this.#bases.get(channel), bytes);
    this.#bases.set(channel, target);
    return { ...publication, data: { patched: target.toString() } };
  }

  /** A JSON client has data as text in JSON; a Protobuf client has bytes. */
  #bytes(data) {
    if (Buffer.isBuffer(data)) return data;
    if (typeof data !== 'string') throw new Error(`data of a subscriber with deltas are no string: ${JSON.stringify(data)}`);
    return Buffer.from(data);
  }
}

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~';

/** Makes the target of its base and a Fossil delta. */
export function apply(base, delta) {
  let at = 0;
  const number = () => {
    let value = 0;
    for (let digit = DIGITS.indexOf(String.fromCharCode(delta[at])); digit >= 0; digit = DIGITS.indexOf(String.fromCharCode(delta[at]))) {
      value = value * 64 + digit;
      at++;
    }
    return value;
  };
  const sign = () => String.fromCharCode(delta[at++]);
  if (!base) throw new Error('a delta came before a whole publication');
  const size = number();
  if (sign() !== '\n') throw new Error('not a delta');
  const parts = [];
  for (;;) {
    const count = number();
    const kind = sign();
    if (kind === '@') {
      const offset = number();
      if (sign() !== ',') throw new Error('not a delta');
      parts.push(base.subarray(offset, offset + count));
    } else if (kind === ':') {
      parts.push(delta.subarray(at, at + count));
      at += count;
    } else if (kind === ';') {
      const target = Buffer.concat(parts);
      if (target.length !== size || checksum(target) !== count) throw new Error('the delta was made for another base');
      return target;
    } else throw new Error('not a delta');
  }
}

function checksum(bytes) {
  let sum = 0;
  for (let at = 0; at < bytes.length; at++) sum = (sum + bytes[at] * 2 ** (8 * (3 - (at % 4)))) % 2 ** 32;
  return sum;
}
