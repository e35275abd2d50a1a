"""The gRPC API as grpcio sees it, with stubs made from our schema: what it answers, and that HTTP answers the same."""

import asyncio
import base64
import json
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.request

import grpc
from centrifuge import Client
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_tools import protoc

from server import BINARY, CONFIG, ROOT, Server, free_port, token
from test_client import DEADLINE_SECS, Events

STUBS = tempfile.TemporaryDirectory(prefix="veche-stubs-")
SCHEMA = ROOT / "crates/api/schema"
made = protoc.main(["protoc", f"-I{SCHEMA}", f"--python_out={STUBS.name}", f"--grpc_python_out={STUBS.name}", "api.proto", "veche.proto"])
assert made == 0, "the schema makes no stubs"
sys.path.insert(0, STUBS.name)

import api_pb2 as pb  # noqa: E402 (it was made just now)
import api_pb2_grpc as stubs  # noqa: E402
import veche_pb2 as own_pb  # noqa: E402
import veche_pb2_grpc as own_stubs  # noqa: E402

SERVICE = "centrifugal.centrifugo.api.CentrifugoApi"
KEY = "e2e-grpc-key"
NAMESPACES = [
    {"name": "json", "publication_data_format": "json", "history_size": 10, "history_ttl": "60s"},
    {"name": "plain"},
]


def plain(value):
    """What an answer says, without what its spelling leaves out or adds: zeros, and numbers in strings."""
    if isinstance(value, dict):
        value = {key: plain(item) for key, item in value.items() if key != "uptime"}
        return {key: item for key, item in value.items() if item not in (0, "", None, {}, [])}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def spelled(message):
    """A message in the words of the HTTP API: bytes are JSON where they can be, and `b64...` else."""
    if not hasattr(message, "DESCRIPTOR"):
        return message
    spelling = {}
    for field, value in message.ListFields():
        name = field.name
        if field.message_type and field.message_type.GetOptions().map_entry:
            spelling[name] = {key: spelled(value[key]) for key in value}
        elif field.is_repeated:
            spelling[name] = [spelled(item) for item in value]
        elif field.type == field.TYPE_BYTES:
            try:
                spelling[name] = json.loads(value)
            except ValueError:
                spelling[f"b64{name}"] = base64.b64encode(value).decode()
        else:
            spelling[name] = spelled(value)
    return spelling


class Api:
    """A server, and the client of its gRPC API."""

    def __init__(self, test, sections=None, **options):
        self.port = free_port()
        options = {"enabled": True, "address": "127.0.0.1", "port": self.port, "key": KEY} | options
        channel = CONFIG["channel"] | {"namespaces": NAMESPACES}
        self.server = Server(grpc_api=options, channel=channel, prometheus={"enabled": True}, **(sections or {}))
        test.addCleanup(self.server.stop)
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.port}")
        test.addCleanup(self.channel.close)
        self.stub = stubs.CentrifugoApiStub(self.channel)

    def call(self, method, request, metadata=(("authorization", f"apikey {KEY}"),), **options):
        return getattr(self.stub, method)(request, metadata=metadata, timeout=DEADLINE_SECS, **options)

    def refusal(self, *call, **options):
        """The status of a call that must not succeed."""
        try:
            answer = self.call(*call, **options)
        except grpc.RpcError as error:
            return error
        raise AssertionError(f"it succeeded: {answer}")


class Calls(unittest.TestCase):
    """Calls without connected clients."""

    @classmethod
    def setUpClass(cls):
        cls.closing = unittest.TestCase()
        cls.api = Api(cls.closing)

    @classmethod
    def tearDownClass(cls):
        cls.closing.doCleanups()

    def check(self, method, path, request):
        """Asks by HTTP and by gRPC; both must say the same. Gives what gRPC said."""
        answer = spelled(self.api.call(method, request))
        params = spelled(request)
        self.assertEqual(plain(answer), plain(self.api.server.answer(path, **params)), f"{path} {params}")
        return answer

    def test_every_method_answers_as_over_http(self):
        for channel in ("", "news", "json:a", "nonsense:a"):
            for data in (b'{"a": 1}', b"\xff", b""):
                self.check("Publish", "publish", pb.PublishRequest(channel=channel, data=data, idempotency_key=f"{data}"))
            for method, path, request in [
                ("HistoryRemove", "history_remove", pb.HistoryRemoveRequest),
                ("History", "history", pb.HistoryRequest),
                ("Presence", "presence", pb.PresenceRequest),
                ("PresenceStats", "presence_stats", pb.PresenceStatsRequest),
                ("Subscribe", "subscribe", pb.SubscribeRequest),
                ("Unsubscribe", "unsubscribe", pb.UnsubscribeRequest),
            ]:
                self.check(method, path, request(channel=channel))
        for method, path, request in [
            ("Broadcast", "broadcast", pb.BroadcastRequest(channels=["plain:a", "", "nonsense:a"], b64data="MQ==")),
            ("Broadcast", "broadcast", pb.BroadcastRequest()),
            ("Disconnect", "disconnect", pb.DisconnectRequest(user="nobody")),
            ("Disconnect", "disconnect", pb.DisconnectRequest(disconnect=pb.Disconnect(code=1))),
            ("Refresh", "refresh", pb.RefreshRequest(user="nobody", info=b"1")),
            ("Channels", "channels", pb.ChannelsRequest()),
            ("Channels", "channels", pb.ChannelsRequest(pattern="x[")),
            ("Channels", "channels", pb.ChannelsRequest(limit=1)),
            ("Connections", "connections", pb.ConnectionsRequest(user="nobody")),
            ("Connections", "connections", pb.ConnectionsRequest(cursor="nonsense")),
            ("Connections", "connections", pb.ConnectionsRequest(expression="true")),
            ("Info", "info", pb.InfoRequest()),
            ("RPC", "rpc", pb.RPCRequest()),
            ("RPC", "rpc", pb.RPCRequest(method="sum", params=b"[1]")),
            ("History", "history", pb.HistoryRequest(channel="news", since=pb.StreamPosition(offset=1, epoch="other"))),
        ]:
            self.check(method, path, request)

    def test_a_batch_answers_as_over_http_and_in_its_order(self):
        commands = [
            pb.Command(publish=pb.PublishRequest(channel="plain:b", data=b"1")),
            pb.Command(),
            pb.Command(presence=pb.PresenceRequest(channel="nonsense:b")),
            pb.Command(broadcast=pb.BroadcastRequest(channels=["plain:b", "nonsense:b"], data=b"2")),
            pb.Command(info=pb.InfoRequest()),
        ]
        for parallel in (False, True):
            answer = self.check("Batch", "batch", pb.BatchRequest(commands=commands, parallel=parallel))
            codes = [reply.get("error", {}).get("code") for reply in answer["replies"]]
            self.assertEqual(codes, [None, 104, 102, None, None])
        many = [pb.Command(publish=pb.PublishRequest(channel=f"plain:{number}", data=b"1")) for number in range(3000)]
        answer = self.api.call("Batch", pb.BatchRequest(commands=many, parallel=True))
        self.assertEqual([reply.HasField("publish") for reply in answer.replies], [True] * 3000)

    def test_history_brings_bytes_as_they_came(self):
        for data in (b'{ "a" :1.50}\n', b"\x00\xff"):
            self.api.call("Publish", pb.PublishRequest(channel="bytes", data=data, tags={"k": "v", "n": ""}))
        answer = self.check("History", "history", pb.HistoryRequest(channel="bytes", limit=-1))
        self.assertEqual(answer["result"]["offset"], 2)
        publications = self.api.call("History", pb.HistoryRequest(channel="bytes", limit=-1, reverse=True)).result.publications
        self.assertEqual([it.data for it in publications], [b"\x00\xff", b'{ "a" :1.50}\n'])
        self.assertEqual(dict(publications[0].tags), {"k": "v", "n": ""})

    def test_an_error_is_in_the_answer_or_the_status_with_its_code_in_the_details(self):
        request = pb.PresenceRequest(channel="nonsense:a")
        self.assertEqual(self.api.call("Presence", request).error.code, 102)
        metadata = (("authorization", f"apikey {KEY}"), ("x-centrifugo-error-mode", "transport"))
        refusal = self.api.refusal("Presence", request, metadata=metadata)
        self.assertEqual((refusal.code(), refusal.details()), (grpc.StatusCode.NOT_FOUND, "unknown channel"))
        details = dict(refusal.trailing_metadata())["grpc-status-details-bin"]
        self.assertIn(b"type.googleapis.com/centrifugal.centrifugo.api.Error", details)
        self.assertIn(pb.Error(code=102, message="unknown channel").SerializeToString(), details)

    def test_the_key_is_asked_for(self):
        for value in (None, "", "apikey", "apikey x", f"bearer {KEY}", KEY):
            metadata = (("authorization", value),) if value is not None else ()
            refusal = self.api.refusal("Info", pb.InfoRequest(), metadata=metadata)
            self.assertEqual((refusal.code(), refusal.details()), (grpc.StatusCode.UNAUTHENTICATED, "unauthenticated"))

    def test_what_is_not_there_is_unimplemented(self):
        for path in (f"/{SERVICE}/MapPublish", f"/{SERVICE}/BlockUser", f"/{SERVICE}/Nonsense", "/grpc.health.v1.Health/Check"):
            method = self.api.channel.unary_unary(path)
            with self.assertRaises(grpc.RpcError) as refused:
                method(b"", metadata=(("authorization", f"apikey {KEY}"),), timeout=DEADLINE_SECS)
            self.assertEqual(refused.exception.code(), grpc.StatusCode.UNIMPLEMENTED, path)

    def test_messages_may_be_compressed_and_have_four_megabytes(self):
        large = pb.PublishRequest(channel="large", data=b'"%s"' % (b"x" * 1_000_000))
        answer = self.api.call("Publish", large, compression=grpc.Compression.Gzip)
        self.assertEqual(answer.error.code, 0)
        answer = self.api.call("History", pb.HistoryRequest(channel="large", limit=1), compression=grpc.Compression.Gzip)
        self.assertEqual(answer.result.publications[0].data, large.data)
        too_large = pb.PublishRequest(channel="large", data=b"x" * (4 << 20))
        for compression in (grpc.Compression.NoCompression, grpc.Compression.Gzip):
            refusal = self.api.refusal("Publish", too_large, compression=compression)
            self.assertEqual(refusal.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)

    def test_many_calls_at_once_are_all_answered(self):
        request = pb.PublishRequest(channel="plain:many", data=b"1")
        calls = [
            self.api.stub.Publish.future(request, metadata=(("authorization", f"apikey {KEY}"),), timeout=DEADLINE_SECS)
            for _ in range(3000)
        ]
        self.assertEqual([call.result().error.code for call in calls], [0] * 3000)

    def test_calls_and_errors_are_counted_by_protocol(self):
        self.api.call("Presence", pb.PresenceRequest(channel="plain:a"))
        self.api.server.answer("presence", channel="plain:a")
        with urllib.request.urlopen(f"http://127.0.0.1:{self.api.server.port}/metrics", timeout=DEADLINE_SECS) as answer:
            lines = answer.read().decode().splitlines()
        for protocol in ("grpc", "http"):
            for line in (
                f'centrifugo_api_command_errors_total{{protocol="{protocol}",method="presence",error="108"}} ',
                f'centrifugo_api_command_duration_seconds_count{{protocol="{protocol}",method="presence"}} ',
            ):
                self.assertTrue(any(it.startswith(line) for it in lines), line)

    def test_what_would_reach_other_connections_but_is_not_supported_is_refused(self):
        for field, value in (("label_filter", pb.FilterNode(key="device", cmp="eq", val="tv")), ("all_users", True)):
            for method, path, request in [
                ("Subscribe", "subscribe", pb.SubscribeRequest),
                ("Unsubscribe", "unsubscribe", pb.UnsubscribeRequest),
                ("Disconnect", "disconnect", pb.DisconnectRequest),
                ("Refresh", "refresh", pb.RefreshRequest),
            ]:
                asked = request(user="nobody", **{field: value})
                error = self.check(method, path, asked)["error"]
                self.assertEqual((error["code"], error.get("temporary")), (107, None))
                self.assertIn(f"`{field}` is not supported", error["message"])
                batch = self.check("Batch", "batch", pb.BatchRequest(commands=[pb.Command(**{path: asked}), pb.Command(info=pb.InfoRequest())]))
                self.assertEqual(batch["replies"][0]["error"], error)
                self.assertIn("info", batch["replies"][1])

    def test_without_reflection_nothing_is_described(self):
        with self.assertRaises(grpc.RpcError):
            ProtoReflectionDescriptorDatabase(self.api.channel).get_services()


class Options(unittest.TestCase):
    """Other configurations."""

    def test_reflection_describes_the_service(self):
        api = Api(self, reflection=True)
        described = ProtoReflectionDescriptorDatabase(api.channel)
        self.assertTrue({SERVICE, "veche.api.VecheApi"} <= set(described.get_services()))
        service = DescriptorPool(described).FindServiceByName(SERVICE)
        ours = pb.DESCRIPTOR.services_by_name["CentrifugoApi"]
        self.assertEqual([it.name for it in service.methods], [it.name for it in ours.methods])
        # It says so in a response, as the protocol has it; a failed call would be another exception.
        with self.assertRaises(KeyError):
            described.FindFileContainingSymbol("no.such.Symbol")
        self.assertEqual(described.FindFileByName("veche.proto").package, "veche.api")
        fields = [(it.name, it.number, it.type) for it in service.FindMethodByName("Publish").input_type.fields]
        self.assertEqual(fields, [(it.name, it.number, it.type) for it in pb.PublishRequest.DESCRIPTOR.fields])

    def test_errors_may_always_be_the_status(self):
        api = Api(self, error_mode="transport")
        refusal = api.refusal("Presence", pb.PresenceRequest(channel="plain:a"))
        self.assertEqual((refusal.code(), refusal.details()), (grpc.StatusCode.INVALID_ARGUMENT, "not available"))
        broadcast = api.call("Broadcast", pb.BroadcastRequest(channels=["nonsense:a"], data=b"1"))
        self.assertEqual(broadcast.result.responses[0].error.code, 102)

    def test_without_a_key_everybody_may_call_and_a_message_may_be_limited(self):
        api = Api(self, key="", max_receive_message_size=1000)
        self.assertEqual(len(api.call("Info", pb.InfoRequest(), metadata=()).result.nodes), 1)
        refusal = api.refusal("Publish", pb.PublishRequest(channel="a", data=b"1" * 1000), metadata=())
        self.assertEqual(refusal.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)

    def test_variables_configure_it(self):
        port = free_port()
        with tempfile.TemporaryDirectory() as folder:
            variables = {
                "CENTRIFUGO_GRPC_API_ENABLED": "true",
                "CENTRIFUGO_GRPC_API_ADDRESS": "localhost",
                "CENTRIFUGO_GRPC_API_PORT": str(port),
                "VECHE_GRPC_API_KEY": KEY,
                "CENTRIFUGO_HTTP_SERVER_PORT": str(free_port()),
            }
            process = subprocess.Popen([BINARY], cwd=folder, env=variables, stdout=subprocess.DEVNULL)
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
            with grpc.insecure_channel(f"localhost:{port}") as channel:
                call = stubs.CentrifugoApiStub(channel).Info
                metadata = (("authorization", f"apikey {KEY}"),)
                answer = call(pb.InfoRequest(), metadata=metadata, timeout=DEADLINE_SECS, wait_for_ready=True)
            self.assertEqual(len(answer.result.nodes), 1)

    def test_a_port_that_somebody_has_stops_the_start(self):
        api = Api(self)
        flags = [f"--http_server.port={free_port()}", "--grpc_api.enabled=true", "--grpc_api.address=127.0.0.1", f"--grpc_api.port={api.port}"]
        with tempfile.TemporaryDirectory() as folder:
            second = subprocess.run([BINARY, *flags], cwd=folder, capture_output=True, text=True, timeout=DEADLINE_SECS)
        self.assertNotEqual(second.returncode, 0)
        self.assertIn(f"port {api.port} is in use: stop what uses it, or choose another with grpc_api.port", second.stdout + second.stderr)

    def test_a_call_that_never_ends_keeps_the_stop_from_nothing(self):
        api = Api(self, sections={"shutdown": {"timeout": "8s"}})
        released = threading.Event()
        self.addCleanup(released.set)

        def request():
            released.wait(DEADLINE_SECS)
            yield b""

        metadata = (("authorization", f"apikey {KEY}"),)
        method = api.channel.stream_unary(f"/{SERVICE}/Publish", response_deserializer=pb.PublishResponse.FromString)
        begun = method.future(request(), metadata=metadata, timeout=DEADLINE_SECS)
        # It is on the same connection and came later, so the server has the first one when it answers.
        api.call("Info", pb.InfoRequest())
        api.server.process.send_signal(signal.SIGTERM)
        self.assertEqual(api.server.process.wait(timeout=DEADLINE_SECS), 0)
        self.assertEqual(begun.exception().code(), grpc.StatusCode.UNAVAILABLE)

    def test_shutdown_finishes_the_calls_in_progress_and_takes_no_others(self):
        api = Api(self)
        released = threading.Event()
        self.addCleanup(released.set)

        def request():
            released.wait(DEADLINE_SECS)
            yield pb.PublishRequest(channel="last", data=b"1").SerializeToString()

        metadata = (("authorization", f"apikey {KEY}"),)
        method = api.channel.stream_unary(f"/{SERVICE}/Publish", response_deserializer=pb.PublishResponse.FromString)
        begun = method.future(request(), metadata=metadata, timeout=DEADLINE_SECS)
        # It is on the same connection and came later, so the server has the first one when it answers.
        api.call("Info", pb.InfoRequest())
        api.server.process.send_signal(signal.SIGTERM)
        while True:
            try:
                api.call("Info", pb.InfoRequest())
            except grpc.RpcError as refused:
                self.assertEqual(refused.code(), grpc.StatusCode.UNAVAILABLE)
                break
        self.assertIsNone(api.server.process.poll(), "it waits for the call")
        released.set()
        self.assertEqual(begun.result().result.offset, 1)
        self.assertEqual(api.server.process.wait(timeout=DEADLINE_SECS), 0)


class Clients(unittest.IsolatedAsyncioTestCase):
    """Calls that connected clients notice."""

    async def asyncSetUp(self):
        self.api = Api(self)

    async def client(self, user="alice"):
        events = Events()
        url = f"ws://127.0.0.1:{self.api.server.port}/connection/websocket"
        client = Client(url, events, proxy=None, token=token(sub=user, info={"name": user}))
        self.addAsyncCleanup(client.disconnect)
        await client.connect()
        await asyncio.wait_for(client.ready(), DEADLINE_SECS)
        return client, events

    async def call(self, method, request):
        answer = await asyncio.to_thread(self.api.call, method, request)
        self.assertEqual(answer.error.code, 0, answer)
        return answer.result

    async def test_clients_hear_what_is_published_and_are_seen(self):
        client, _ = await self.client()
        events = Events()
        sub = client.new_subscription("news", events)
        await sub.subscribe()
        await asyncio.wait_for(sub.ready(), DEADLINE_SECS)
        position = await self.call("Publish", pb.PublishRequest(channel="news", data='{"text": "привет"}'.encode(), tags={"k": "v"}))
        publication = (await events.wait("publication")).pub
        self.assertEqual((publication.data, publication.offset), ({"text": "привет"}, position.offset))
        [(name, info)] = (await self.call("Presence", pb.PresenceRequest(channel="news"))).presence.items()
        self.assertEqual((name, info.user, json.loads(info.conn_info)), (info.client, "alice", {"name": "alice"}))
        http = (await asyncio.to_thread(self.api.server.call, "presence", channel="news"))["presence"]
        self.assertEqual(http[name]["conn_info"], json.loads(info.conn_info))
        stats = await self.call("PresenceStats", pb.PresenceStatsRequest(channel="news"))
        self.assertEqual((stats.num_clients, stats.num_users), (1, 1))
        channels = (await self.call("Channels", pb.ChannelsRequest(pattern="ne*"))).channels
        self.assertEqual({name: it.num_clients for name, it in channels.items()}, {"news": 1})
        [node] = (await self.call("Info", pb.InfoRequest())).nodes
        self.assertEqual((node.num_clients, node.num_users, node.num_channels, node.num_subs), (1, 1, 1, 1))

    async def test_connections_and_users_are_listed_in_pages(self):
        for user in ("alice", "bob", "bob"):
            await self.client(user)
        found, cursor = {}, ""
        while True:
            page = await self.call("Connections", pb.ConnectionsRequest(transport="websocket", limit=2, cursor=cursor))
            found |= page.connections
            cursor = page.cursor
            if not cursor:
                break
        self.assertEqual(sorted(it.user for it in found.values()), ["alice", "bob", "bob"])
        http = await asyncio.to_thread(self.api.server.call, "connections")
        self.assertEqual({name: it.connected_at_ms for name, it in found.items()}, {name: it["connected_at_ms"] for name, it in http["connections"].items()})
        users = own_stubs.VecheApiStub(self.api.channel).Users
        metadata = (("authorization", f"apikey {KEY}"),)
        answer = await asyncio.to_thread(users, own_pb.UsersRequest(pattern="b*"), metadata=metadata, timeout=DEADLINE_SECS)
        self.assertEqual({name: it.num_clients for name, it in answer.result.users.items()}, {"bob": 2})

    async def test_orders_reach_the_connections_they_are_for(self):
        _, alice = await self.client()
        _, bob = await self.client("bob")
        request = pb.SubscribeRequest(user="alice", channel="granted", data=b'{"why": 1}')
        await self.call("Subscribe", request)
        self.assertEqual((await alice.wait("subscribed")).data, {"why": 1})
        await self.call("Unsubscribe", pb.UnsubscribeRequest(user="alice", channel="granted"))
        await alice.wait("unsubscribed")
        await self.call("Refresh", pb.RefreshRequest(user="bob", expired=True))
        await self.call("Disconnect", pb.DisconnectRequest(user="alice", disconnect=pb.Disconnect(code=4501, reason="bye")))
        ended = await alice.wait("disconnected")
        self.assertEqual((ended.code, ended.reason), (4501, "bye"))
        # 3005 is one to come back from.
        self.assertEqual((await bob.wait("connecting", 2)).code, 3005)


if __name__ == "__main__":
    unittest.main()
