// Who is in a room: what the card of a room shows, and what each role may do.
import assert from "node:assert/strict";
import { test } from "node:test";
import { addressOf, placeOf } from "../src/lib/addresses.ts";
import { ApiError, type Invite, type Member } from "../src/lib/api.ts";
import { mayRemove, Membership, rightsIn } from "../src/lib/membership.ts";
import { titleOf } from "../src/lib/titles.ts";
import { dictionaries } from "../src/lib/words.ts";

const member = (id: string, role: Member["role"]): Member => ({ id, name: id, role });

/** An interface with a room in it; `refuse` makes the next call fail. */
class Bench {
  members = [member("anna", "owner"), member("boris", "member")];
  link: Invite | null = { token: "old", expires: 1 };
  asked: string[] = [];
  refuse: ApiError | undefined;
  card: Membership;

  constructor(linksIn = true) {
    const act = async <T>(what: string, then: () => T): Promise<T> => {
      this.asked.push(what);
      if (this.refuse) throw this.refuse;
      return then();
    };
    this.card = new Membership(
      "team",
      {
        members: () => act("members", () => [...this.members]),
        setMember: (_, user, role) => act(`set ${user} ${role ?? ""}`, () => (this.members = [...this.members.filter(({ id }) => id !== user), member(user, role ?? "member")])),
        removeMember: (_, user) => act(`remove ${user}`, () => (this.members = this.members.filter(({ id }) => id !== user))),
        invite: () => act("invite", () => this.link),
        renewInvite: () => act("renew", () => (this.link = { token: "new", expires: 2 })),
        revokeInvite: () => act("revoke", () => (this.link = null)),
      },
      linksIn,
    );
  }
}

const ids = (card: Membership): string[] | undefined => card.members?.map(({ id }) => id);

test("members are shown when they have come, and the link to those who may pass it on", async () => {
  const bench = new Bench();
  assert.equal(bench.card.members, undefined);
  await bench.card.load();
  assert.deepEqual([ids(bench.card), bench.card.invite?.token], [["anna", "boris"], "old"]);
  const other = new Bench(false);
  await other.card.load();
  assert.deepEqual(other.asked, ["members"]);
});

test("who comes and goes is seen at once, and a refusal says why and changes nothing", async () => {
  const bench = new Bench();
  await bench.card.load();
  assert.ok(await bench.card.set("vera"));
  assert.ok(await bench.card.remove("boris"));
  assert.deepEqual(ids(bench.card), ["anna", "vera"]);
  bench.refuse = new ApiError(404, "no_such_person", "");
  assert.ok(!(await bench.card.set("nobody")));
  assert.equal(bench.card.fault, bench.refuse);
  assert.deepEqual(ids(bench.card), ["anna", "vera"]);
  bench.refuse = undefined;
  await bench.card.renew();
  assert.deepEqual([bench.card.invite?.token, bench.card.fault], ["new", undefined]);
  await bench.card.revoke();
  assert.equal(bench.card.invite, undefined);
});

test("each role may what it may", () => {
  const rights = (kind: "public" | "private" | "direct", role?: "owner" | "moderator" | "member"): string =>
    Object.entries(rightsIn({ kind, ...(role ? { role } : {}) }))
      .filter(([, has]) => has)
      .map(([name]) => name)
      .sort()
      .join(" ");
  assert.equal(rights("private", "owner"), "bringsIn keepsOrder leaves linksIn owns");
  assert.equal(rights("private", "moderator"), "bringsIn keepsOrder leaves linksIn");
  assert.equal(rights("private", "member"), "bringsIn leaves");
  assert.equal(rights("public", "owner"), "keepsOrder leaves owns");
  assert.equal(rights("public"), "leaves");
  assert.equal(rights("direct", "member"), "");
  assert.deepEqual([mayRemove("owner", "owner"), mayRemove("moderator", "member"), mayRemove("moderator", "owner"), mayRemove("member", "member")], [true, true, false, false]);
});

test("an invitation has an address, and a conversation is called as the other one", () => {
  const token = "0123456789abcdef0123456789abcdef";
  assert.deepEqual(placeOf(`/join/${token}`), { view: "join", token });
  assert.equal(addressOf({ view: "join", token }), `/join/${token}`);
  for (const bad of ["/join", "/join/x", `/join/${token}/1`, `/join/${token.toUpperCase()}`]) assert.deepEqual(placeOf(bad), { view: "nowhere" }, bad);
  const words = dictionaries.en;
  assert.equal(titleOf({ id: "dm-1", title: "", with: { id: "anna", name: "Anna" } }, words), "Anna");
  assert.deepEqual([titleOf({ id: "general", title: "x" }, words), titleOf({ id: "tea", title: "Tea" }, words), titleOf({ id: "tea", title: "" }, words)], ["General", "Tea", "tea"]);
});
