// How to join a room with other tools: commands that work as they stand.

export interface Snippets {
  curlSend: string;
  curlRead: string;
  ws: string;
  wsSend: string;
  websocat: string;
  dart: string;
}

/** Commands for a room; `http` and `ws` are origins such as `http://localhost:8000` and `ws://localhost:8000`. */
export function snippets(room: string, http: string, ws: string): Snippets {
  const messages = `${http}/chat/api/rooms/${room}/messages`;
  const plain = `${ws}/connection/plain`;
  return {
    curlSend: `curl -u me: ${messages} \\
  -H 'Content-Type: application/json' \\
  -d '{"text": "Hello from curl"}'`,
    curlRead: `curl -u me: '${messages}?limit=10'`,
    ws: `const ws = new WebSocket("${plain}")
ws.onmessage = ({ data }) => console.log(JSON.parse(data))
ws.onopen = () => {
  const act = (action) => ws.send(JSON.stringify(action))
  act({ action: "login", user: "me" })
  act({ action: "subscribe", channel: "room:${room}", history: 20, presence: true })
}`,
    wsSend: `await fetch("${messages}", {
  method: "POST",
  headers: { "Content-Type": "application/json", Authorization: "Basic " + btoa("me:") },
  body: JSON.stringify({ text: "Hello from a bare WebSocket" }),
})`,
    websocat: `websocat ${plain}
{"action":"login","user":"me"}
{"action":"subscribe","channel":"room:${room}","history":20,"presence":true}`,
    dart: `import 'dart:convert';
import 'package:http/http.dart' as http;
import 'package:web_socket_channel/web_socket_channel.dart';

Future<void> main() async {
  final channel = WebSocketChannel.connect(Uri.parse('${plain}'));
  await channel.ready;
  channel.stream.listen((frame) => print(jsonDecode(frame as String)));
  void act(Map<String, Object> action) => channel.sink.add(jsonEncode(action));
  act({'action': 'login', 'user': 'me'});
  act({'action': 'subscribe', 'channel': 'room:${room}', 'history': 20, 'presence': true});

  // The chat stores a message first, then publishes it to everybody.
  await http.post(
    Uri.parse('${messages}'),
    headers: {
      'Content-Type': 'application/json',
      'Authorization': 'Basic \${base64Encode(utf8.encode('me:'))}',
    },
    body: jsonEncode({'text': 'Hello from Dart'}),
  );
}`,
  };
}
