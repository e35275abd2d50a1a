// The address of the page: what it shows, and how Back and Forward move through it.
import { addressOf, placeOf, type Place } from "../lib/addresses.ts";
import { Observed } from "../lib/observed.ts";

class Route extends Observed {
  #place = placeOf(location.pathname);

  constructor() {
    super();
    addEventListener("popstate", () => this.#become(placeOf(location.pathname)));
  }

  get place(): Place {
    this.seen();
    return this.#place;
  }

  /** Goes to a place. `instead` leaves no way back to the one before. */
  go(place: Place, how: "on" | "instead" = "on"): void {
    const address = addressOf(place);
    if (address === location.pathname) how = "instead";
    if (how === "on") history.pushState(null, "", address);
    else history.replaceState(null, "", address);
    this.#become(place);
  }

  #become(place: Place): void {
    this.#place = place;
    this.changed();
  }
}

export const route = new Route();
