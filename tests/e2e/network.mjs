// A network between client and server that a test can cut and mend.

import { connect, createServer } from 'node:net';

/** A TCP relay to the server's port; `cut` breaks what is open and refuses what comes, `mend` lets it through again. */
export async function network(t, server) {
  const open = new Set();
  let isCut = false;
  const relay = createServer((near) => {
    if (isCut) return near.destroy();
    const far = connect(server.port, '127.0.0.1');
    for (const [socket, other] of [[near, far], [far, near]]) {
      open.add(socket);
      socket.on('error', () => {}).on('close', () => {
        open.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  await new Promise((done) => relay.listen(0, '127.0.0.1', done));
  const net = {
    port: relay.address().port,
    cut() {
      isCut = true;
      for (const socket of open) socket.destroy();
    },
    mend() {
      isCut = false;
    },
  };
  net.ws = `ws://127.0.0.1:${net.port}`;
  net.http = `http://127.0.0.1:${net.port}`;
  t.after(() => {
    net.cut();
    relay.close();
  });
  return net;
}
