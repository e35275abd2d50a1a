// A client of Veche's plain dialect on nothing but `web_socket_channel`: it reconnects, resumes each channel where it
// was, and publishes what was written without a network later, once.

import 'dart:async';
import 'dart:collection';
import 'dart:convert';
import 'dart:math';

import 'package:flutter/foundation.dart';
import 'package:web_socket_channel/web_socket_channel.dart';

/// Where the connection stands.
sealed class Link {
  const Link();
}

/// A connection is being made.
final class Connecting extends Link {
  const Connecting();
}

/// Connected and logged in.
final class Online extends Link {
  const Online();
}

/// There is no connection; the next attempt comes by itself.
final class Waiting extends Link {
  const Waiting(this.pause, this.why);
  final Duration pause;
  final String why;
}

/// The server does not want this client, and nothing more comes.
final class Ended extends Link {
  const Ended(this.why);
  final String why;
}

/// Something that was published.
final class Publication {
  const Publication({required this.channel, required this.data, this.user, this.position});
  final String channel;
  final Object? data;
  final String? user;
  final String? position;
}

/// What happens in a channel.
sealed class ChannelEvent {
  const ChannelEvent();
}

final class Published extends ChannelEvent {
  const Published(this.publication);
  final Publication publication;
}

/// Publications may be missing here: the server's history does not reach back.
final class Gap extends ChannelEvent {
  const Gap();
}

/// The server refused the subscription.
final class Refused extends ChannelEvent {
  const Refused(this.why);
  final String why;
}

/// A publication that is not confirmed yet.
final class Draft {
  Draft(this.channel, this.data, this.key);
  final String channel;
  final Object? data;

  /// Makes it the same publication however often it is sent.
  final String key;

  /// When it was first sent; the server remembers a key for five minutes.
  DateTime? firstSent;

  /// Why it was not published. It is not tried again.
  String? failure;
}

/// The client. It tells its listeners when [link] or [outbox] has changed.
final class PlainClient extends ChangeNotifier {
  PlainClient(this.uri, this.user) {
    unawaited(_run());
  }

  final Uri uri;
  final String user;

  final _random = Random.secure();
  // Not `1 << 32`, which is 0 in a browser.
  late final String _keyPrefix = [for (var n = 0; n < 3; n++) _random.nextInt(0x100000000)].join('-');
  final _channels = <String, StreamController<ChannelEvent>>{};
  final _positions = <String, String>{};
  final _outbox = Queue<Draft>();
  WebSocketChannel? _socket;
  Timer? _silence;
  Timer? _retry;
  int _pingSeconds = 25;
  int _failures = 0;
  int _nextKey = 0;
  bool _isInFlight = false;
  bool _isClosed = false;
  Link _link = const Connecting();

  Link get link => _link;

  /// What was written and is not confirmed, the oldest first.
  List<Draft> get outbox => List.unmodifiable(_outbox);

  /// What is published in [channel], from the last 20 publications on.
  Stream<ChannelEvent> subscribe(String channel) {
    final known = _channels[channel];
    if (known != null) return known.stream;
    final controller = _channels[channel] = StreamController<ChannelEvent>.broadcast();
    if (_link is Online) _subscribe(channel);
    return controller.stream;
  }

  /// Publishes [data], now or when there is a connection.
  void publish(String channel, Object? data) {
    _outbox.add(Draft(channel, data, '$_keyPrefix-${_nextKey++}'));
    notifyListeners();
    _sendNext();
  }

  /// Forgets a draft that has failed.
  void discard(Draft draft) {
    _outbox.remove(draft);
    notifyListeners();
    _sendNext();
  }

  @override
  void dispose() {
    _isClosed = true;
    _retry?.cancel();
    _leave();
    for (final controller in _channels.values) {
      unawaited(controller.close());
    }
    super.dispose();
  }

  Future<void> _run() async {
    while (!_isClosed && _link is! Ended) {
      _moveTo(const Connecting());
      final why = await _connectOnce();
      if (_isClosed || _link is Ended) return;
      // Full jitter: a random time, up to a ceiling that doubles.
      final ceiling = min(20000, 500 << min(_failures, 6));
      final pause = Duration(milliseconds: _random.nextInt(ceiling + 1));
      _failures += 1;
      _moveTo(Waiting(pause, why));
      await _sleep(pause);
    }
  }

  /// Makes one connection, and returns why it is over.
  Future<String> _connectOnce() async {
    final socket = WebSocketChannel.connect(uri);
    _socket = socket;
    try {
      await socket.ready.timeout(const Duration(seconds: 10));
      if (_isClosed) return 'closed';
      _act({'action': 'login', 'user': user, 'id': 'login'});
      _expectMore();
      await for (final frame in socket.stream) {
        _expectMore();
        if (frame is String) _heard(jsonDecode(frame) as Map<String, dynamic>);
      }
      final code = socket.closeCode ?? 1006;
      final why = 'closed with $code ${socket.closeReason ?? ''}'.trim();
      if (_isFinal(code)) _moveTo(Ended(why));
      return why;
    } on Exception catch (error) {
      return '$error';
    } finally {
      _leave();
    }
  }

  static bool _isFinal(int code) => code >= 3500 && code < 4000 || code >= 4500 && code < 5000;

  /// Gives the connection up. What was on its way is sent again on the next one, with the same key.
  void _leave() {
    _silence?.cancel();
    _isInFlight = false;
    final socket = _socket;
    _socket = null;
    // After a failed attempt this future may never complete.
    if (socket != null) unawaited(socket.sink.close());
  }

  Future<void> _sleep(Duration pause) {
    final done = Completer<void>();
    _retry = Timer(pause, done.complete);
    return done.future;
  }

  /// The package answers pings of the server and does not show them. So after silence we ask, and a link that stays
  /// silent is dead.
  void _expectMore() {
    _silence?.cancel();
    _silence = Timer(Duration(seconds: _pingSeconds), () {
      _act({'action': 'ping'});
      _silence = Timer(const Duration(seconds: 10), _leave);
    });
  }

  void _heard(Map<String, dynamic> frame) {
    switch (frame) {
      case {'error': final String why, 'code': final int code}:
        _refused(frame, code, why);
      case {'event': 'welcome', 'system': true}:
        final ping = frame['ping'];
        if (ping is int && ping > 0) _pingSeconds = ping + 5;
      case {'event': 'login', 'system': true}:
        _failures = 0;
        _moveTo(const Online());
        _channels.keys.forEach(_subscribe);
        _sendNext();
      case {'event': 'subscribed', 'channel': final String channel, 'data': final Map<String, dynamic> data}:
        _subscribed(channel, data);
      case {'event': 'unsubscribed', 'channel': final String channel, 'data': {'code': final int code}}:
        // From 2500 on the server wants the client back, with its position.
        if (code >= 2500) _subscribe(channel);
      case {'event': 'published', 'id': final String key}:
        _confirmed(key);
      case {'event': 'disconnect', 'data': {'reconnect': false, 'reason': final String reason}}:
        _moveTo(Ended(reason));
      case {'system': true}:
        break;
      case {'channel': final String channel}:
        _published(channel, frame);
    }
  }

  void _subscribe(String channel) {
    final since = _positions[channel];
    _act({
      'action': 'subscribe',
      'channel': channel,
      'id': channel,
      if (since != null) 'since': since else 'history': 20,
    });
  }

  void _subscribed(String channel, Map<String, dynamic> data) {
    final hadPosition = _positions.containsKey(channel);
    if (hadPosition && data['recovered'] != true) _channels[channel]?.add(const Gap());
    // After a gap, and before the first publication, this is where the channel stands.
    if (data case {'position': final String position} when !hadPosition || data['recovered'] != true) {
      _positions[channel] = position;
    }
  }

  void _published(String channel, Map<String, dynamic> frame) {
    final position = frame['id'] as String?;
    if (position != null) _positions[channel] = position;
    final from = frame['from'];
    final publication = Publication(
      channel: channel,
      data: frame['data'],
      user: from is Map ? from['user'] as String? : null,
      position: position,
    );
    _channels[channel]?.add(Published(publication));
  }

  /// Sends the oldest draft. One is on its way at a time, so that the order holds.
  void _sendNext() {
    if (_isInFlight || _link is! Online) return;
    final draft = _outbox.where((draft) => draft.failure == null).firstOrNull;
    if (draft == null) return;
    final firstSent = draft.firstSent ??= DateTime.now();
    if (DateTime.now().difference(firstSent) > const Duration(minutes: 4, seconds: 30)) {
      // Its key may be forgotten: sending it again could double it.
      _fail(draft, 'perhaps published, and perhaps not');
      return;
    }
    _isInFlight = true;
    _act({
      'action': 'publish',
      'channel': draft.channel,
      'data': draft.data,
      'key': draft.key,
      'id': draft.key,
    });
  }

  void _confirmed(String key) {
    _isInFlight = false;
    _outbox.removeWhere((draft) => draft.key == key);
    notifyListeners();
    _sendNext();
  }

  void _refused(Map<String, dynamic> frame, int code, String why) {
    // These may succeed later: a failure of the server, a token that has run out, too much at once.
    final isTemporary = const [100, 109, 110, 111].contains(code);
    switch (frame['action']) {
      case 'login' when !isTemporary:
        _moveTo(Ended(why));
        _leave();
      case 'publish' when !isTemporary:
        _isInFlight = false;
        final draft = _outbox.where((draft) => draft.key == frame['id']).firstOrNull;
        if (draft != null) _fail(draft, why);
      case 'subscribe' when !isTemporary:
        _channels[frame['channel']]?.add(Refused(why));
      case 'login' || 'publish' || 'subscribe':
        // A new connection tries all of it again, after a pause.
        _leave();
    }
  }

  void _fail(Draft draft, String why) {
    draft.failure = why;
    notifyListeners();
    _sendNext();
  }

  void _act(Map<String, Object?> action) => _socket?.sink.add(jsonEncode(action));

  void _moveTo(Link link) {
    if (_isClosed) return;
    _link = link;
    notifyListeners();
  }
}
