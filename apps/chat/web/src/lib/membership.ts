// Who is in a room, and how others come in: what the card of a room shows and does.
import { ApiError, type Api, type Invite, type Member, type Role, type RoomInfo } from "./api.ts";
import { Observed } from "./observed.ts";

export type MembershipApi = Pick<Api, "members" | "setMember" | "removeMember" | "invite" | "renewInvite" | "revokeInvite">;

/** What somebody may do in a room, by kind and role. */
export function rightsIn(room: Pick<RoomInfo, "kind" | "role">): { keepsOrder: boolean; owns: boolean; bringsIn: boolean; leaves: boolean; linksIn: boolean } {
  const isDirect = room.kind === "direct";
  const owns = !isDirect && room.role === "owner";
  const keepsOrder = owns || (!isDirect && room.role === "moderator");
  return { owns, keepsOrder, bringsIn: room.kind === "private", leaves: !isDirect, linksIn: keepsOrder && room.kind === "private" };
}

/** Whether somebody may be removed from a room by somebody. */
export function mayRemove(mine: Role | undefined, theirs: Role | null): boolean {
  return mine === "owner" || (mine === "moderator" && theirs === "member");
}

export class Membership extends Observed {
  #members: readonly Member[] | undefined;
  #invite: Invite | undefined;
  #fault: unknown;

  constructor(
    readonly room: string,
    readonly api: MembershipApi,
    /** The user may see the room's link. */
    readonly linksIn: boolean,
  ) {
    super();
  }

  /** Undefined until they have come. */
  get members(): readonly Member[] | undefined {
    this.seen();
    return this.#members;
  }

  get invite(): Invite | undefined {
    this.seen();
    return this.#invite;
  }

  /** Why the last thing that was tried did not work. */
  get fault(): unknown {
    this.seen();
    return this.#fault;
  }

  async load(): Promise<void> {
    await this.#attempt(async () => {
      this.#members = await this.api.members(this.room);
      if (this.linksIn) this.#invite = (await this.api.invite(this.room)) ?? undefined;
    });
  }

  /** Brings somebody in by name, or gives a role; false if it did not work. */
  set(user: string, role?: Role): Promise<boolean> {
    return this.#attempt(async () => {
      await this.api.setMember(this.room, user, role);
      this.#members = await this.api.members(this.room);
    });
  }

  remove(user: string): Promise<boolean> {
    return this.#attempt(async () => {
      await this.api.removeMember(this.room, user);
      this.#members = this.#members?.filter(({ id }) => id !== user);
    });
  }

  renew(): Promise<boolean> {
    return this.#attempt(async () => void (this.#invite = await this.api.renewInvite(this.room)));
  }

  revoke(): Promise<boolean> {
    return this.#attempt(async () => {
      await this.api.revokeInvite(this.room);
      this.#invite = undefined;
    });
  }

  async #attempt(act: () => Promise<void>): Promise<boolean> {
    this.#fault = undefined;
    try {
      await act();
      return true;
    } catch (error) {
      this.#fault = error instanceof ApiError ? error : new ApiError(0, "unreachable", "");
      return false;
    } finally {
      this.changed();
    }
  }
}
