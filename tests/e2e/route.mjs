// A bad route between client and server: slow, and torn in the middle of whatever passes.

import { connect, createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/**
 * A TCP relay to the server's port. `delay` is how many milliseconds later everything arrives, `piece` how many bytes
 * arrive at a time, `tear` after how many bytes from the server a connection is cut; all may change at any time.
 */
export async function route(t, server) {
  const open = new Set();
  const net = { delay: 0, piece: Infinity, tear: Infinity };
  const keep = (socket) => {
    open.add(socket);
    socket.on('error', () => {}).on('close', () => open.delete(socket));
  };
  const listener = createServer((near) => {
    const far = connect(server.port, '127.0.0.1');
    let left = net.tear;
    const end = () => [near, far].forEach((socket) => socket.destroy());
    for (const socket of [near, far]) {
      keep(socket);
      socket.on('close', end);
    }
    carry(near, far, net, end, () => Infinity);
    carry(far, near, net, end, (bytes) => {
      const before = left;
      left -= bytes;
      return before;
    });
  });
  await new Promise((done) => listener.listen(0, '127.0.0.1', done));
  net.port = listener.address().port;
  net.ws = `ws://127.0.0.1:${net.port}`;
  net.cut = () => open.forEach((socket) => socket.destroy());
  t.after(() => {
    net.cut();
    listener.close();
  });
  return net;
}

async function carry(from, to, net, end, allowed) {
  try {
    for await (const chunk of from) {
      for (let at = 0; at < chunk.length; ) {
        const piece = chunk.subarray(at, at + net.piece);
        at += piece.length;
        if (net.delay > 0) await pause(net.delay);
        const room = allowed(piece.length);
        to.write(piece.subarray(0, Math.max(0, room)));
        if (room <= piece.length) return setImmediate(end);
      }
    }
  } catch {
    // One side has gone.
  }
  to.end();
  return undefined;
}
