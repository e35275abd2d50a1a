// State that the page watches: plain objects that say when they are read and when they have changed.

/** What stands between a piece of state and whoever draws it. */
export interface Signal {
  /** The state is being read: whoever reads it wants to know when it changes. */
  read(): void;
  /** It has changed: whoever read it reads it again. */
  changed(): void;
}

let signal: () => Signal = () => ({ read() {}, changed() {} });

/** Says how state is watched. The page does this once, before it makes any state; tests do without. */
export function watchBy(make: () => Signal): void {
  signal = make;
}

/** A piece of state. Getters call `seen`, methods that change something call `changed`. */
export abstract class Observed {
  #signal = signal();

  protected seen(): void {
    this.#signal.read();
  }

  protected changed(): void {
    this.#signal.changed();
  }
}
