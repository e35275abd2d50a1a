// Signals that end something under way.

/** Aborted when the first of both is. */
export function firstOf(one: AbortSignal, other: AbortSignal | null | undefined): AbortSignal {
  if (!other) return one;
  const either = new AbortController();
  for (const signal of [one, other]) {
    if (signal.aborted) either.abort(signal.reason);
    signal.addEventListener("abort", () => either.abort(signal.reason), { once: true });
  }
  return either.signal;
}
