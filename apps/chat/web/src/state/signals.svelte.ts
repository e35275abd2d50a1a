// Lets components watch the plain state: each piece of it has a number that grows with every change.
import { watchBy } from "../lib/observed.ts";

watchBy(() => {
  let version = $state(0);
  return {
    read: () => void version,
    changed: () => void (version += 1),
  };
});
