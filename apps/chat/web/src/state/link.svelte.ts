// The connection to the server, and what the reader is told about it.
import { Centrifuge, UnauthorizedError } from "centrifuge";
import { ApiError, type Api } from "../lib/api.ts";

export type LinkState =
  | { kind: "connected" }
  | { kind: "connecting" }
  /** The next attempt comes at `at`, in milliseconds since 1970. */
  | { kind: "waiting"; at: number }
  /** The device has no network. */
  | { kind: "offline" }
  /** The server said not to come back. */
  | { kind: "ended"; reason: string };

/** The shortest and the longest pause between two attempts, in milliseconds; both are spread by chance. */
const PAUSE = { min: 500, max: 15_000 };

export class Link {
  state = $state<LinkState>({ kind: "connecting" });
  readonly client: Centrifuge;

  constructor(socket: string, api: Api, ended: () => void) {
    const origin = location.origin.replace(/^http/, "ws");
    this.client = new Centrifuge(new URL(socket, origin).href, {
      getToken: async () => {
        try {
          return await api.connectionToken();
        } catch (error) {
          if (error instanceof ApiError && error.status === 401) throw new UnauthorizedError("the session has ended");
          throw error;
        }
      },
      minReconnectDelay: PAUSE.min,
      maxReconnectDelay: PAUSE.max,
    });
    this.#tellPauses();
    this.client.on("connected", () => (this.state = { kind: "connected" }));
    this.client.on("connecting", () => (this.state = navigator.onLine ? { kind: "connecting" } : { kind: "offline" }));
    this.client.on("disconnected", ({ code, reason }) => {
      // Code 1 is the client's own word for a refused token.
      if (code === 1) ended();
      this.state = { kind: "ended", reason };
    });
    addEventListener("offline", this.#offline);
    addEventListener("online", this.#online);
  }

  /** Does not wait for the next attempt. Subscriptions keep their positions. */
  connectNow(): void {
    this.client.disconnect();
    this.client.connect();
  }

  close(): void {
    removeEventListener("offline", this.#offline);
    removeEventListener("online", this.#online);
    this.client.removeAllListeners();
    this.client.disconnect();
  }

  #offline = (): void => {
    this.state = { kind: "offline" };
  };

  #online = (): void => {
    if (this.state.kind === "offline") this.state = this.client.state === "connected" ? { kind: "connected" } : { kind: "connecting" };
  };

  /** The client does not say when it tries again; its own method that draws the pause is listened to. */
  #tellPauses(): void {
    const inner = this.client as unknown as { _getReconnectDelay?: () => number };
    const draw = inner._getReconnectDelay;
    if (typeof draw !== "function") return;
    inner._getReconnectDelay = () => {
      const pause = draw.call(this.client);
      if (this.state.kind !== "offline" && this.client.state !== "connected") this.state = { kind: "waiting", at: Date.now() + pause };
      return pause;
    };
  }
}
