// How long a process has worked, whatever else the machine did meanwhile.

import { readFileSync } from 'node:fs';

/** Milliseconds in a tick of /proc (proc(5); sysconf(_SC_CLK_TCK) is 100). */
const TICK_MS = 10;

/** Time of the processor that a process has used, user and system, in milliseconds. */
export function processorTime(pid) {
  const [user, system] = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /, '').split(' ').slice(11, 13);
  return (Number(user) + Number(system)) * TICK_MS;
}
