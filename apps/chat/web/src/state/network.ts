// The network of this page.
import { Network } from "../lib/network.ts";

export const network = new Network({
  fetch: (input, init) => fetch(input, init),
  open: (url, protocols) => new WebSocket(url, protocols),
  later: (pause, act) => void setTimeout(act, pause),
  now: () => performance.now(),
  chance: Math.random,
});
