// A client in a thread of its own, so that the test's own work does not delay it: it publishes to itself, again and
// again, and tells its parent how long the server worked until each publication came back. That is the time of the
// server's process, so that it is the same on a busy machine.

import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import WebSocket from 'ws';

/** From one publication's return to the next publication. */
const PAUSE_MS = 5;

/** Milliseconds in a tick of /proc (proc(5); sysconf(_SC_CLK_TCK) is 100). */
const TICK_MS = 10;

const { url, channel, pid } = workerData;
const socket = new WebSocket(url, { perMessageDeflate: false });
let last = 1;
let sentAt;

const send = (command) => socket.send(JSON.stringify(command));

/** Processor time that the server has used, in milliseconds. */
function worked() {
  const [user, system] = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /, '').split(' ').slice(11, 13);
  return (Number(user) + Number(system)) * TICK_MS;
}

function publish() {
  sentAt = worked();
  send({ id: ++last, publish: { channel, data: last } });
}

socket.on('open', () => send({ id: 1, connect: {} }));
socket.on('message', (bytes) => {
  for (const line of bytes.toString().split('\n')) {
    const reply = JSON.parse(line);
    if (reply.id === 1) send({ id: ++last, subscribe: { channel } });
    else if (reply.subscribe) publish();
    else if (reply.push?.pub?.data === last) {
      parentPort.postMessage({ ms: worked() - sentAt });
      setTimeout(publish, PAUSE_MS);
    } else if (reply.error) throw new Error(JSON.stringify(reply));
    else if (line === '{}') send({});
  }
});
socket.on('close', (code, reason) => parentPort.postMessage({ closed: `${code} ${reason}` }));
