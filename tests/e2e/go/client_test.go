// What a user of the Go SDK does with a connection: come in, speak, be told, leave.

package e2e

import (
	"testing"

	"github.com/centrifugal/centrifuge-go"
)

func TestAPublicationReachesItsPublisherAndOthers(t *testing.T) {
	inBoth(t, nil, func(t *testing.T, s *server, e encoding) {
		alice, bob := connect(t, s, e, "alice"), connect(t, s, e, "bob")
		mine, theirs := alice.subscribe("news", centrifuge.SubscriptionConfig{}), bob.subscribe("news", centrifuge.SubscriptionConfig{})
		_, err := mine.Publish(within(t), pack("привет <&>"))
		must(t, err)
		for _, sub := range []*subscription{mine, theirs} {
			publication := sub.publications.wait(t, 1)
			equal(t, "data", value(t, publication.Data), "привет <&>")
			equal(t, "user", publication.Info.User, "alice")
			equal(t, "offset", publication.Offset, uint64(1))
		}
	})
}

func TestAnExpiredTokenIsRenewedAndTheClientComesIn(t *testing.T) {
	inBoth(t, nil, func(t *testing.T, s *server, e encoding) {
		asked := hears[int]("questions for a token")
		client := dial(t, s, e, centrifuge.Config{
			Token: token(object{"sub": "alice", "exp": inSeconds(-60)}),
			GetToken: func(centrifuge.ConnectionTokenEvent) (string, error) {
				asked.push(1)
				return token(object{"sub": "alice", "exp": inSeconds(600)}), nil
			},
		})
		client.connected.wait(t, 1)
		equal(t, "questions", len(asked.all()), 1)
	})
}

func TestAConnectionIsRefreshedAndNeverDrops(t *testing.T) {
	inBoth(t, nil, func(t *testing.T, s *server, e encoding) {
		asked := hears[int]("questions for a token")
		client := dial(t, s, e, centrifuge.Config{
			Token: token(object{"sub": "alice", "exp": inSeconds(2)}),
			GetToken: func(centrifuge.ConnectionTokenEvent) (string, error) {
				asked.push(1)
				return token(object{"sub": "alice", "exp": inSeconds(2 + 598*len(asked.all()))}), nil
			},
		})
		client.connected.wait(t, 1)
		sub := client.subscribe("clock", centrifuge.SubscriptionConfig{})
		asked.wait(t, 1)
		_, err := sub.Publish(within(t), pack("after"))
		must(t, err)
		sub.expect("after")
		equal(t, "connecting", len(client.connecting.all()), 1)
	})
}

func TestATokenThatIsNotOursEndsTheConnection(t *testing.T) {
	inBoth(t, nil, func(t *testing.T, s *server, e encoding) {
		client := dial(t, s, e, centrifuge.Config{Token: token(object{"sub": "mallory"}) + "x"})
		equal(t, "code", client.disconnected.wait(t, 1).Code, uint32(3500))
	})
}

func TestTheCodeOfADisconnectSaysWhetherToComeBack(t *testing.T) {
	inBoth(t, nil, func(t *testing.T, s *server, e encoding) {
		client := connect(t, s, e, "alice")
		s.call("disconnect", object{"user": "alice", "disconnect": object{"code": 4000, "reason": "come back"}})
		client.connected.wait(t, 2)
		equal(t, "connecting", client.connecting.wait(t, 2), centrifuge.ConnectingEvent{Code: 4000, Reason: "come back"})
		s.call("disconnect", object{"user": "alice", "disconnect": object{"code": 4500, "reason": "stay away"}})
		equal(t, "disconnected", client.disconnected.wait(t, 1), centrifuge.DisconnectedEvent{Code: 4500, Reason: "stay away"})
		must(t, client.Connect())
		client.connected.wait(t, 3)
		s.call("disconnect", object{"user": "alice"})
		equal(t, "code", client.disconnected.wait(t, 2).Code, uint32(3503))
	})
}

func TestAnRpcWithoutABackendIsRefusedAndTheConnectionStays(t *testing.T) {
	inBoth(t, nil, func(t *testing.T, s *server, e encoding) {
		client := connect(t, s, e, "alice")
		_, err := client.RPC(within(t), "sum", pack(1))
		refused(t, err, 108)
		_, err = client.Publish(within(t), "news", pack(1))
		must(t, err)
	})
}

func TestAMessageThatNobodyHandlesEndsTheConnection(t *testing.T) {
	inBoth(t, nil, func(t *testing.T, s *server, e encoding) {
		client := connect(t, s, e, "alice")
		must(t, client.Send(within(t), pack("hello")))
		equal(t, "code", client.disconnected.wait(t, 1).Code, uint32(3508))
	})
}

func TestHistoryIsReadPageByPage(t *testing.T) {
	inBoth(t, nil, func(t *testing.T, s *server, e encoding) {
		client := connect(t, s, e, "alice")
		for _, number := range numbers(1, 7) {
			s.publish("news", number)
		}
		top, err := client.History(within(t), "news")
		must(t, err)
		equal(t, "without a limit", len(top.Publications), 0)
		equal(t, "offset", top.Offset, uint64(7))
		var read []any
		since := &centrifuge.StreamPosition{Epoch: top.Epoch}
		for {
			page, err := client.History(within(t), "news", centrifuge.WithHistoryLimit(3), centrifuge.WithHistorySince(since))
			must(t, err)
			if len(page.Publications) == 0 {
				break
			}
			for _, publication := range page.Publications {
				read = append(read, value(t, publication.Data))
				since.Offset = publication.Offset
			}
		}
		equal(t, "pages", read, numbers(1, 7))
		newest, err := client.History(within(t), "news", centrifuge.WithHistoryLimit(1), centrifuge.WithHistoryReverse(true))
		must(t, err)
		equal(t, "newest", value(t, newest.Publications[0].Data), 7)
		_, err = client.History(within(t), "news", centrifuge.WithHistoryLimit(1), centrifuge.WithHistorySince(&centrifuge.StreamPosition{Offset: 1, Epoch: "other"}))
		refused(t, err, 112)
	})
}

func TestPresenceTellsWhoIsThere(t *testing.T) {
	inBoth(t, nil, func(t *testing.T, s *server, e encoding) {
		alice, again, bob := connect(t, s, e, "alice"), connect(t, s, e, "alice"), connect(t, s, e, "bob")
		for _, client := range []*conversation{alice, again, bob} {
			client.subscribe("room", centrifuge.SubscriptionConfig{})
		}
		presence, err := alice.Presence(within(t), "room")
		must(t, err)
		users := map[string]int{}
		for id, info := range presence.Clients {
			equal(t, "client", info.Client, id)
			users[info.User]++
		}
		equal(t, "users", users, map[string]int{"alice": 2, "bob": 1})
		stats, err := alice.PresenceStats(within(t), "room")
		must(t, err)
		equal(t, "stats", stats.PresenceStats, centrifuge.PresenceStats{NumClients: 3, NumUsers: 2})
	})
}

func TestAServerThatDiedIsFoundAgain(t *testing.T) {
	inBoth(t, nil, func(t *testing.T, s *server, e encoding) {
		client := connect(t, s, e, "alice")
		sub := client.subscribe("news", centrifuge.SubscriptionConfig{})
		s.publish("news", "before")
		sub.publications.wait(t, 1)
		s.kill()
		client.connecting.wait(t, 2)
		s.start()
		again := sub.subscribed.wait(t, 2)
		equal(t, "recovery", []bool{again.WasRecovering, again.Recovered}, []bool{true, false})
		s.publish("news", "after")
		sub.publications.wait(t, 2)
		sub.expect("before", "after")
	})
}
