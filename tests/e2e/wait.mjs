// Waiting for something to happen, always with a deadline.

const DEADLINE_MS = 10_000;

/** Resolves with `promise`, or fails with a sentence that says what did not happen. */
export async function within(promise, what, ms = DEADLINE_MS) {
  let timer;
  const late = new Promise((_, failed) => {
    timer = setTimeout(() => failed(new Error(`${what}: not within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Everything heard so far from one source, in order; tests wait on its contents. */
export class Heard {
  items = [];
  #waiting = new Set();

  push(item) {
    this.items.push(item);
    for (const wake of [...this.#waiting]) wake();
  }

  /** Waits until `isEnough(items)` and returns the items. */
  async until(isEnough, what, ms = DEADLINE_MS) {
    if (isEnough(this.items)) return this.items;
    let wake;
    const heard = new Promise((done) => {
      wake = () => isEnough(this.items) && done(this.items);
      this.#waiting.add(wake);
    });
    try {
      return await within(heard, what, ms);
    } catch (error) {
      throw new Error(`${error.message}; heard ${this.items.length}: ${brief(this.items)}`);
    } finally {
      this.#waiting.delete(wake);
    }
  }

  /** Waits for `count` items and returns them. */
  count(count, what = `${count} items`, ms = DEADLINE_MS) {
    return this.until((items) => items.length >= count, what, ms);
  }

  /** Waits for the first item that matches and returns it. */
  async first(matches, what = 'an item that matches', ms = DEADLINE_MS) {
    const items = await this.until((all) => all.some(matches), what, ms);
    return items.find(matches);
  }
}

/** Waits for the next event of a `centrifuge` client or subscription and returns its context. */
export function event(emitter, name, matches = () => true, ms = DEADLINE_MS) {
  const seen = new Promise((done) => {
    const listener = (context) => {
      if (!matches(context)) return;
      emitter.removeListener(name, listener);
      done(context);
    };
    emitter.on(name, listener);
  });
  return within(seen, `event "${name}"`, ms);
}

/** Hears every event of one name. */
export function hear(emitter, name, read = (context) => context) {
  const heard = new Heard();
  emitter.on(name, (context) => heard.push(read(context)));
  return heard;
}

function brief(items) {
  const text = JSON.stringify(items.slice(-5)) ?? '';
  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}
