// A client in a thread of its own, so that the test's own work does not delay it: it publishes to itself, again and
// again, and tells its parent how long the server worked until each publication came back. That is the time of the
// server's process, so that it is the same on a busy machine.

import { parentPort, workerData } from 'node:worker_threads';
import WebSocket from 'ws';
import { processorTime } from './processor-time.mjs';

/** From one publication's return to the next publication. */
const PAUSE_MS = 5;

const { url, channel, pid } = workerData;
const socket = new WebSocket(url, { perMessageDeflate: false });
let last = 1;
let sentAt;

const send = (command) => socket.send(JSON.stringify(command));

function publish() {
  sentAt = processorTime(pid);
  send({ id: ++last, publish: { channel, data: last } });
}

socket.on('open', () => send({ id: 1, connect: {} }));
socket.on('message', (bytes) => {
  for (const line of bytes.toString().split('\n')) {
    const reply = JSON.parse(line);
    if (reply.id === 1) send({ id: ++last, subscribe: { channel } });
    else if (reply.subscribe) publish();
    else if (reply.push?.pub?.data === last) {
      parentPort.postMessage({ ms: processorTime(pid) - sentAt });
      setTimeout(publish, PAUSE_MS);
    } else if (reply.error) throw new Error(JSON.stringify(reply));
    else if (line === '{}') send({});
  }
});
socket.on('close', (code, reason) => parentPort.postMessage({ closed: `${code} ${reason}` }));
