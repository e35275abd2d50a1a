// A chat room: messages, a field to write in, and where the connection stands.

import 'dart:async';

import 'package:flutter/material.dart';

import 'plain_client.dart';

const _server = String.fromEnvironment('VECHE', defaultValue: 'ws://localhost:8000/connection/plain');
const _user = String.fromEnvironment('NAME', defaultValue: 'me');
const _room = String.fromEnvironment('ROOM', defaultValue: 'lobby');

void main() => runApp(const ChatApp());

class ChatApp extends StatelessWidget {
  const ChatApp({super.key});

  @override
  Widget build(BuildContext context) => MaterialApp(
        title: 'Veche',
        theme: ThemeData(colorSchemeSeed: Colors.indigo),
        home: const ChatPage(),
      );
}

class ChatPage extends StatefulWidget {
  const ChatPage({super.key});

  @override
  State<ChatPage> createState() => _ChatPageState();
}

class _ChatPageState extends State<ChatPage> {
  final _client = PlainClient(Uri.parse(_server), _user);
  final _lines = <String>[];
  final _text = TextEditingController();
  late final StreamSubscription<ChannelEvent> _events;

  @override
  void initState() {
    super.initState();
    _events = _client.subscribe(_room).listen((event) => setState(() => _lines.add(_line(event))));
  }

  static String _line(ChannelEvent event) => switch (event) {
        Published(:final publication) => '${publication.user ?? 'somebody'}: ${publication.data}',
        Gap _ => '(messages may be missing here)',
        Refused(:final why) => '(no access: $why)',
      };

  @override
  void dispose() {
    unawaited(_events.cancel());
    _client.dispose();
    _text.dispose();
    super.dispose();
  }

  void _send() {
    final text = _text.text.trim();
    if (text.isEmpty) return;
    _client.publish(_room, text);
    _text.clear();
  }

  @override
  Widget build(BuildContext context) => Scaffold(
        appBar: AppBar(title: const Text(_room)),
        body: ListenableBuilder(
          listenable: _client,
          builder: (context, _) => Column(
            children: [
              LinkBanner(_client.link),
              Expanded(
                child: ListView(
                  reverse: true,
                  children: [
                    for (final draft in _client.outbox.reversed) DraftTile(draft, onDiscard: () => _client.discard(draft)),
                    for (final line in _lines.reversed) ListTile(dense: true, title: Text(line)),
                  ],
                ),
              ),
              Padding(
                padding: const EdgeInsets.all(8),
                child: TextField(
                  controller: _text,
                  onSubmitted: (_) => _send(),
                  decoration: InputDecoration(
                    hintText: 'Message',
                    suffixIcon: IconButton(icon: const Icon(Icons.send), tooltip: 'Send', onPressed: _send),
                  ),
                ),
              ),
            ],
          ),
        ),
      );
}

/// Says where the connection stands, unless all is well.
class LinkBanner extends StatelessWidget {
  const LinkBanner(this.link, {super.key});
  final Link link;

  @override
  Widget build(BuildContext context) {
    final text = switch (link) {
      Online _ => null,
      Connecting _ => 'Connecting…',
      Waiting(:final pause, :final why) => 'Offline, again in ${pause.inSeconds + 1} s. What you write is kept. ($why)',
      Ended(:final why) => 'Disconnected: $why',
    };
    if (text == null) return const SizedBox.shrink();
    return Material(
      color: Theme.of(context).colorScheme.errorContainer,
      child: Padding(
        padding: const EdgeInsets.all(8),
        child: SizedBox(width: double.infinity, child: Text(text)),
      ),
    );
  }
}

/// A message that is not confirmed yet, or has failed.
class DraftTile extends StatelessWidget {
  const DraftTile(this.draft, {required this.onDiscard, super.key});
  final Draft draft;
  final VoidCallback onDiscard;

  @override
  Widget build(BuildContext context) {
    final failure = draft.failure;
    return ListTile(
      dense: true,
      title: Text('${draft.data}', style: TextStyle(color: Theme.of(context).disabledColor)),
      subtitle: failure == null ? null : Text(failure),
      trailing: failure == null
          ? const Icon(Icons.schedule, semanticLabel: 'waiting')
          : IconButton(icon: const Icon(Icons.delete), tooltip: 'Discard', onPressed: onDiscard),
    );
  }
}
