// A network between client and server that a test can cut and mend.

import { connect, createServer } from 'node:net';

/** A TCP relay to the server's port: what connects to `ws` or `http` of the result passes through it. */
export async function network(t, server) {
  const net = await relay(t, async (near) => {
    const far = connect(server.port, '127.0.0.1');
    return [near, far];
  });
  return Object.assign(net, { ws: `ws://127.0.0.1:${net.port}`, http: `http://127.0.0.1:${net.port}` });
}

/** The same as a SOCKS 5 proxy (RFC 1928), so that a browser behind it keeps its addresses and origins. */
export async function socks(t) {
  const net = await relay(t, async (near) => {
    await read(near); // the methods it offers
    near.write(Buffer.from([5, 0]));
    const [, , , kind, ...rest] = await read(near);
    const host = kind === 1 ? rest.slice(0, 4).join('.') : Buffer.from(rest.slice(1, 1 + rest[0])).toString();
    const far = connect(Buffer.from(rest.slice(-2)).readUInt16BE(), host);
    await new Promise((done, failed) => far.on('connect', done).on('error', failed));
    near.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
    return [near, far];
  });
  return Object.assign(net, { proxy: `socks5://127.0.0.1:${net.port}` });
}

const read = (socket) => new Promise((done, failed) => socket.once('data', done).once('close', () => failed(new Error('closed'))));

/**
 * Listens and joins what comes to what `dial` gives. `cut` breaks what is open and refuses what comes; `swallow` keeps
 * everything open and lets nothing through, as a router does that has lost its way; `mend` undoes both.
 */
async function relay(t, dial) {
  const open = new Set();
  const joined = new Set();
  let isCut = false;
  let swallows = false;
  const keep = (socket) => {
    open.add(socket);
    socket.on('error', () => {}).on('close', () => open.delete(socket));
  };
  const server = createServer(async (near) => {
    // Destroyed and not reset: Node 20 may never exit after a reset of a socket that was connecting.
    if (isCut) return near.destroy();
    keep(near);
    if (swallows) return void near.pause();
    try {
      for (const pair of pairs(await dial(near))) {
        const [socket, other] = pair;
        keep(socket);
        joined.add(pair);
        socket.on('close', () => {
          joined.delete(pair);
          other.destroy();
        });
        if (!swallows) socket.pipe(other);
      }
    } catch {
      near.destroy();
    }
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const net = {
    port: server.address().port,
    cut() {
      isCut = true;
      for (const socket of open) socket.destroy();
    },
    swallow() {
      swallows = true;
      for (const [socket, other] of joined) {
        socket.unpipe(other);
        socket.pause();
      }
    },
    mend() {
      isCut = false;
      if (!swallows) return;
      swallows = false;
      const through = new Set();
      for (const [socket, other] of joined) {
        through.add(socket);
        socket.pipe(other);
      }
      // What came meanwhile was never joined to anything.
      for (const socket of open) if (!through.has(socket)) socket.destroy();
    },
  };
  t.after(() => {
    net.cut();
    server.close();
  });
  return net;
}

const pairs = ([a, b]) => [
  [a, b],
  [b, a],
];
