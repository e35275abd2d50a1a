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

/** Listens and joins what comes to what `dial` gives; `cut` breaks what is open and refuses what comes, `mend` undoes it. */
async function relay(t, dial) {
  const open = new Set();
  let isCut = false;
  const keep = (socket) => {
    open.add(socket);
    socket.on('error', () => {}).on('close', () => open.delete(socket));
  };
  const server = createServer(async (near) => {
    // Destroyed and not reset: Node 20 may never exit after a reset of a socket that was connecting.
    if (isCut) return near.destroy();
    keep(near);
    try {
      for (const [socket, other] of pairs(await dial(near))) {
        keep(socket);
        socket.on('close', () => other.destroy());
        socket.pipe(other);
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
    mend() {
      isCut = false;
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
