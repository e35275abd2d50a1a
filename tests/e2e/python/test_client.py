"""The official Python client against the real server, in both of its encodings."""

import asyncio
import json
import time
import unittest

from centrifuge import Client, ClientEventHandler, DeltaType, Filter, ReplyError, StreamPosition, SubscriptionEventHandler
from server import Server, token

DEADLINE_SECS = 10


class Events(ClientEventHandler, SubscriptionEventHandler):
    """Keeps what happened, by name; tests wait for it."""

    def __init__(self):
        self.seen = []
        self.changed = asyncio.Condition()

    async def note(self, name, context):
        async with self.changed:
            self.seen.append((name, context))
            self.changed.notify_all()

    def of(self, name):
        return [context for seen, context in self.seen if seen == name]

    async def wait(self, name, count=1, of=lambda context: True):
        """Waits for `count` events of this name, of a kind, and returns the last of them."""

        def found():
            return [context for context in self.of(name) if of(context)]

        async def enough():
            async with self.changed:
                await self.changed.wait_for(lambda: len(found()) >= count)

        await asyncio.wait_for(enough(), DEADLINE_SECS)
        return found()[count - 1]


def noting(name):
    async def note(self, context):
        await self.note(name, context)

    return note


for event in ["connecting", "connected", "disconnected", "subscribing", "subscribed", "unsubscribed", "publication", "join", "leave", "error"]:
    setattr(Events, f"on_{event}", noting(event))


class Conversation:
    """The tests, for one encoding."""

    use_protobuf = False

    async def asyncSetUp(self):
        self.server = Server()
        self.addCleanup(self.server.stop)

    def pack(self, value):
        return json.dumps(value).encode() if self.use_protobuf else value

    def unpack(self, data):
        return json.loads(data) if isinstance(data, bytes) else data

    async def client(self, **options):
        options.setdefault("token", token(sub="alice"))
        events = Events()
        client = Client(
            f"ws://127.0.0.1:{self.server.port}/connection/websocket",
            events,
            use_protobuf=self.use_protobuf,
            max_reconnect_delay=0.2,
            proxy=None,
            **options,
        )
        self.addAsyncCleanup(client.disconnect)
        await client.connect()
        await asyncio.wait_for(client.ready(), DEADLINE_SECS)
        return client, events

    async def subscribe(self, client, channel, **options):
        events = Events()
        sub = client.new_subscription(channel, events, **options)
        await sub.subscribe()
        await asyncio.wait_for(sub.ready(), DEADLINE_SECS)
        return sub, events

    def heard(self, events):
        return [self.unpack(context.pub.data) for context in events.of("publication")]

    async def test_a_publication_reaches_its_publisher_and_others(self):
        alice, _ = await self.client()
        bob, _ = await self.client(token=token(sub="bob"))
        sub, mine = await self.subscribe(alice, "news")
        _, theirs = await self.subscribe(bob, "news")
        await sub.publish(self.pack({"text": "привет <&>"}))
        for events in (mine, theirs):
            publication = (await events.wait("publication")).pub
            self.assertEqual(self.unpack(publication.data), {"text": "привет <&>"})
            self.assertEqual((publication.offset, publication.info.user), (1, "alice"))

    async def test_history_and_presence_tell_what_is_there(self):
        client, _ = await self.client()
        sub, _ = await self.subscribe(client, "news")
        for number in range(1, 4):
            await sub.publish(self.pack(number))
        history = await sub.history(limit=2, reverse=True)
        self.assertEqual([self.unpack(publication.data) for publication in history.publications], [3, 2])
        self.assertEqual(history.offset, 3)
        presence = await sub.presence()
        self.assertEqual([info.user for info in presence.clients.values()], ["alice"])
        stats = await sub.presence_stats()
        self.assertEqual((stats.num_clients, stats.num_users), (1, 1))

    async def test_join_and_leave_are_heard_by_who_asked(self):
        alice, _ = await self.client()
        _, events = await self.subscribe(alice, "room", join_leave=True)
        bob, _ = await self.client(token=token(sub="bob"))
        sub, _ = await self.subscribe(bob, "room")
        await events.wait("join", of=lambda context: context.info.user == "bob")
        await sub.unsubscribe()
        self.assertEqual((await events.wait("leave")).info.user, "bob")

    async def test_an_rpc_without_a_backend_is_error_108(self):
        client, _ = await self.client()
        with self.assertRaises(ReplyError) as refused:
            await client.rpc("sum", self.pack({}))
        self.assertEqual(refused.exception.code, 108)

    async def test_an_expired_token_is_renewed_through_get_token(self):
        asked = []

        async def get_token():
            asked.append(1)
            return token(sub="alice", exp=int(time.time()) + 600)

        _, events = await self.client(token=token(sub="alice", exp=int(time.time()) - 9), get_token=get_token)
        await events.wait("connected")
        self.assertEqual(len(asked), 1)

    async def test_what_was_missed_while_away_comes_once_and_in_order(self):
        client, _ = await self.client()
        _, events = await self.subscribe(client, "news", recoverable=True, positioned=True)
        self.server.call("publish", channel="news", data=1)
        await events.wait("publication")
        self.server.call("disconnect", user="alice", disconnect={"code": 4000, "reason": "come back"})
        await events.wait("subscribing", 2)
        for number in range(2, 8):
            self.server.call("publish", channel="news", data=number)
        again = await events.wait("subscribed", 2)
        self.assertTrue(again.was_recovering and again.recovered)
        await events.wait("publication", 7)
        self.assertEqual(self.heard(events), list(range(1, 8)))

    async def away(self, client, events):
        """Leaves; what follows is missed until `back`."""
        before = len(events.of("subscribing"))
        await client.disconnect()
        await events.wait("subscribing", before + 1)

    async def back(self, client, events):
        """Comes back, and returns how the subscription was taken up again."""
        before = len(events.of("subscribed"))
        await client.connect()
        return await events.wait("subscribed", before + 1)

    async def test_a_private_channel_opens_with_a_token_for_it(self):
        async def get_token(channel):
            return token(sub="alice", channel=channel)

        client, _ = await self.client()
        _, events = await self.subscribe(client, "$plans", get_token=get_token)
        self.server.call("publish", channel="$plans", data=1)
        await events.wait("publication")

    async def test_channels_of_the_token_are_subscribed_by_the_server_and_recover(self):
        client, events = await self.client(token=token(sub="alice", channels=["personal"]))
        await events.wait("subscribed")
        self.server.call("publish", channel="personal", data=1)
        await events.wait("publication")
        await client.disconnect()
        self.server.call("publish", channel="personal", data=2)
        self.assertTrue((await self.back(client, events)).recovered)
        await events.wait("publication", 2)
        self.assertEqual(self.heard(events), [1, 2])

    async def test_deltas_give_what_was_published_also_after_an_outage(self):
        client, _ = await self.client()
        _, events = await self.subscribe(client, "match:1", delta=DeltaType.FOSSIL)
        states = [{"score": number, "where": "площадь & <поле>" * 9} for number in range(12)]

        def publish(few):
            for state in few:
                self.server.call("publish", channel="match:1", data=state)

        publish(states[:4])
        await events.wait("publication", 4)
        await self.away(client, events)
        publish(states[4:7])
        self.assertTrue((await self.back(client, events)).recovered)
        publish(states[7:9])
        await events.wait("publication", 9)
        await self.away(client, events)
        self.assertTrue((await self.back(client, events)).recovered)
        publish(states[9:])
        await events.wait("publication", 12)
        self.assertEqual(self.heard(events), states)

    async def test_a_filter_lets_through_what_matches_also_after_an_outage(self):
        def publish(name):
            for number, tags in enumerate([{"price": "150"}, {"price": "99.5"}, {"price": "100", "closed": ""}, {}]):
                self.server.call("publish", channel="stock", data=f"{name} {number}", tags=tags)

        client, _ = await self.client()
        wanted = Filter.all(Filter.gte("price", "100"), Filter.not_exists("closed"))
        _, events = await self.subscribe(client, "stock", tags_filter=wanted)
        publish("live")
        await events.wait("publication")
        await self.away(client, events)
        publish("missed")
        self.assertTrue((await self.back(client, events)).recovered)
        publish("again")
        await events.wait("publication", 3)
        self.assertEqual(self.heard(events), ["live 0", "missed 0", "again 0"])

    async def test_a_cache_brings_the_latest_however_much_was_missed(self):
        client, _ = await self.client()
        _, events = await self.subscribe(client, "state:a")
        self.server.call("publish", channel="state:a", data=1)
        await events.wait("publication")
        await self.away(client, events)
        for number in range(2, 6):
            self.server.call("publish", channel="state:a", data=number)
        self.assertTrue((await self.back(client, events)).recovered)
        await events.wait("publication", 2)
        await self.away(client, events)
        self.assertTrue((await self.back(client, events)).recovered)
        self.server.call("publish", channel="state:a", data=6)
        await events.wait("publication", 3)
        self.assertEqual(self.heard(events), [1, 5, 6])

    async def test_state_is_asked_for_again_where_the_stream_does_not_reach_back(self):
        asked = []

        async def get_state(channel):
            asked.append(channel)
            top = self.server.call("history", channel=channel)
            return StreamPosition(offset=top["offset"], epoch=top["epoch"])

        client, _ = await self.client()
        self.server.call("publish", channel="short:a", data=1)
        _, events = await self.subscribe(client, "short:a", get_state=get_state)
        for missed, questions in [(2, 1), (3, 2)]:
            await self.away(client, events)
            for number in range(missed):
                self.server.call("publish", channel="short:a", data=f"{missed} {number}")
            self.assertTrue((await self.back(client, events)).recovered)
            self.assertEqual(len(asked), questions)
        self.server.call("publish", channel="short:a", data="live")
        await events.wait("publication", 3)
        self.assertEqual(self.heard(events), ["2 0", "2 1", "live"])

    async def test_a_killed_server_is_found_again(self):
        client, seen = await self.client()
        _, events = await self.subscribe(client, "news")
        self.server.kill()
        await seen.wait("connecting", 2)
        self.server.start()
        await events.wait("subscribed", 2)
        self.server.call("publish", channel="news", data="after")
        await events.wait("publication")
        self.assertEqual(self.heard(events), ["after"])

    async def test_the_server_may_end_a_subscription_and_a_connection(self):
        client, seen = await self.client()
        _, events = await self.subscribe(client, "news")
        self.server.call("unsubscribe", user="alice", channel="news")
        self.assertEqual((await events.wait("unsubscribed")).code, 2000)
        self.server.call("disconnect", user="alice")
        self.assertEqual((await seen.wait("disconnected")).code, 3503)


class JsonClient(Conversation, unittest.IsolatedAsyncioTestCase):
    """The JSON encoding."""


class ProtobufClient(Conversation, unittest.IsolatedAsyncioTestCase):
    """The Protobuf encoding."""

    use_protobuf = True


if __name__ == "__main__":
    unittest.main()
