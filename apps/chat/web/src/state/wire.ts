// The connection by the official client: what the plain state hears of it and asks of it.
import { Centrifuge, UnauthorizedError, type Subscription } from "centrifuge";
import { ApiError, type Api } from "../lib/api.ts";
import { Link } from "../lib/link.ts";
import type { Network } from "../lib/network.ts";
import type { ClientInfo } from "../lib/people.ts";
import type { RoomEars, RoomWire } from "../lib/room.ts";
import type { Message } from "../lib/timeline.ts";

/** The shortest and the longest pause between two attempts, in milliseconds; both are spread by chance. */
const PAUSE = { min: 500, max: 15_000 };
/** How long an answer of the server is waited for, in milliseconds. */
const PATIENCE = 4_000;

export interface ConnectionWorld {
  connected(): void;
  /** The server, or the chat, said not to come back. */
  refused(): void;
  lobby(notice: unknown): void;
  personal(news: unknown): void;
  /** Something that was sent over the connection got no answer in time. */
  unanswered(): void;
}

export class Connection {
  readonly link: Link;
  #client: Centrifuge;
  #world: ConnectionWorld;

  constructor(socket: string, api: Api, network: Network | undefined, world: ConnectionWorld) {
    this.#world = world;
    const origin = location.origin.replace(/^http/, "ws");
    const client = new Centrifuge(new URL(socket, origin).href, {
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
      timeout: PATIENCE,
      ...(network && { websocket: through(network) }),
    });
    this.#client = client;
    const wire = { connect: () => client.connect(), disconnect: () => client.disconnect(), ask: () => this.#ask() };
    this.link = new Link(wire, () => navigator.onLine);
    this.#tellPauses();
    client.on("connected", () => {
      this.link.connected();
      world.connected();
    });
    client.on("connecting", () => this.link.connecting());
    client.on("disconnected", ({ code, reason }) => {
      // Code 0 is a call of `disconnect`: of our own, when the link is made anew.
      if (code === 0) return;
      this.link.disconnected(reason);
      world.refused();
    });
    client.on("publication", ({ data }) => world.personal(data));
    const lobby = client.newSubscription("lobby:all");
    lobby.on("publication", ({ data }) => world.lobby(data));
    lobby.subscribe();
    addEventListener("offline", this.#network);
    addEventListener("online", this.#network);
    client.connect();
  }

  close(): void {
    removeEventListener("offline", this.#network);
    removeEventListener("online", this.#network);
    this.#client.removeAllListeners();
    this.#client.disconnect();
  }

  /**
   * Listens to the two channels of a room until the result is closed. Channels of a private room need tokens; `lost` is
   * called when there are none (any more).
   */
  listen([channel, typingChannel]: readonly [string, string], ears: RoomEars, token?: (channel: string) => Promise<string>, lost?: () => void): RoomWire {
    const access = token
      ? {
          getToken: async ({ channel }: { channel: string }) => {
            try {
              return await token(channel);
            } catch (error) {
              if (error instanceof ApiError && (error.status === 403 || error.status === 404)) throw new UnauthorizedError("no member");
              throw error;
            }
          },
        }
      : {};
    const room = this.#client.newSubscription(channel, { joinLeave: true, ...access });
    room.on("publication", ({ data }) => {
      const { type, message } = data as { type?: string; message?: Message };
      if (type === "message" && message) ears.message(message);
      if (type === "change" && message) ears.changed(message);
    });
    room.on("subscribed", ({ recovered }) => {
      ears.subscribed(recovered);
      void whoIsHere(room, ears);
    });
    room.on("join", ({ info }) => ears.joined(info));
    room.on("leave", ({ info }) => ears.left(info.client));
    room.on("unsubscribed", ({ code }) => code !== 0 && lost?.());
    const typing = this.#client.newSubscription(typingChannel, access);
    // A client's publications say who it is; the chat's own say it in their data.
    typing.on("publication", ({ info, data }) => {
      const who = info ?? (data as { who?: ClientInfo }).who;
      if (who) ears.typing(who);
    });
    for (const subscription of [room, typing]) subscription.subscribe();
    return {
      tellTyping: () => {
        if (typing.state !== "subscribed") return;
        typing.publish({ typing: true }).catch((error: { code?: number }) => error.code === TIMEOUT && this.#world.unanswered());
      },
      close: () => {
        for (const subscription of [room, typing]) {
          subscription.removeAllListeners();
          subscription.unsubscribe();
          this.#client.removeSubscription(subscription);
        }
      },
    };
  }

  /** A call that no server knows: a refusal is an answer too. */
  async #ask(): Promise<boolean> {
    try {
      await this.#client.rpc("are you there", null);
      return true;
    } catch (error) {
      return ((error as { code?: number }).code ?? 0) >= LEAST_SERVER_CODE;
    }
  }

  #network = (): void => this.link.network(navigator.onLine, this.#client.state === "connected");

  /** The client does not say when it tries again; its own method that draws the pause is listened to. */
  #tellPauses(): void {
    const inner = this.#client as unknown as { _getReconnectDelay?: () => number };
    const draw = inner._getReconnectDelay;
    if (typeof draw !== "function") return;
    inner._getReconnectDelay = () => {
      const pause = draw.call(this.#client);
      if (this.#client.state !== "connected") this.link.pauses(Date.now() + pause);
      return pause;
    };
  }
}

/** A `WebSocket` on this network, as the client makes one. */
function through(network: Network): unknown {
  return class {
    constructor(url: string, protocols?: string | string[]) {
      return network.open(url, protocols);
    }
  };
}

/** The client's own code for an answer that did not come in time; the server's codes begin at 100. */
const TIMEOUT = 1;
const LEAST_SERVER_CODE = 100;

async function whoIsHere(room: Subscription, ears: RoomEars): Promise<void> {
  try {
    const { clients } = await room.presence();
    ears.here(new Map<string, ClientInfo>(Object.entries(clients)));
  } catch {
    // Joins and leaves still come.
  }
}
