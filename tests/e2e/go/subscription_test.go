// What a user of the Go SDK does with channels: subscribe, miss nothing, take less.

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/centrifugal/centrifuge-go"
)

func TestAPrivateChannelOpensWithATokenThatIsRenewed(t *testing.T) {
	inBoth(t, nil, func(t *testing.T, s *server, e encoding) {
		asked := hears[string]("questions for a token")
		client := connect(t, s, e, "alice")
		sub := client.subscribe("$plans", centrifuge.SubscriptionConfig{
			GetToken: func(e centrifuge.SubscriptionTokenEvent) (string, error) {
				asked.push(e.Channel)
				return token(object{"sub": "alice", "channel": e.Channel, "exp": inSeconds(2 + 598*(len(asked.all())-1))}), nil
			},
		})
		asked.wait(t, 2)
		s.publish("$plans", "after")
		sub.expect("after")
		equal(t, "asked for", asked.all(), []string{"$plans", "$plans"})
		equal(t, "subscribing", len(sub.subscribing.all()), 1)
	})
}

func TestAChannelThatIsNotForTheClientIsRefused(t *testing.T) {
	inBoth(t, nil, func(t *testing.T, s *server, e encoding) {
		client := connect(t, s, e, "alice")
		for channel, code := range map[string]uint32{"$plans": 103, "nowhere:news": 102} {
			sub := client.begin(channel, centrifuge.SubscriptionConfig{})
			equal(t, channel, sub.unsubscribed.wait(t, 1).Code, code)
		}
	})
}

func TestJoinsAndLeavesAreHeardByWhoAsked(t *testing.T) {
	inBoth(t, nil, func(t *testing.T, s *server, e encoding) {
		asked := connect(t, s, e, "alice").subscribe("room", centrifuge.SubscriptionConfig{JoinLeave: true})
		silent := connect(t, s, e, "carol").subscribe("room", centrifuge.SubscriptionConfig{})
		bob := connect(t, s, e, "bob").subscribe("room", centrifuge.SubscriptionConfig{})
		must(t, bob.Unsubscribe())
		equal(t, "leave", asked.leaves.wait(t, 1), "bob")
		equal(t, "joins", asked.joins.all(), []string{"alice", "carol", "bob"})
		s.publish("room", 1)
		silent.expect(1)
		equal(t, "joins of who did not ask", len(silent.joins.all()), 0)
	})
}

func TestWhatWasMissedComesOnceAndInOrder(t *testing.T) {
	inBoth(t, nil, func(t *testing.T, s *server, e encoding) {
		client := connect(t, s, e, "alice")
		sub := client.subscribe("news", centrifuge.SubscriptionConfig{Recoverable: true, Positioned: true})
		last := 0
		publish := func(count int) {
			for range count {
				last++
				s.publish("news", last)
			}
		}
		for outage, missed := range []int{5, 0, 20} {
			publish(3)
			sub.publications.wait(t, last)
			client.cut()
			publish(missed)
			client.mend()
			again := sub.subscribed.wait(t, outage+2)
			equal(t, "recovery", []bool{again.WasRecovering, again.Recovered}, []bool{true, true})
		}
		publish(1)
		sub.publications.wait(t, last)
		sub.expect(numbers(1, last)...)
	})
}

func TestWhenHistoryDoesNotReachBackTheClientIsTold(t *testing.T) {
	inBoth(t, object{"history_size": 2}, func(t *testing.T, s *server, e encoding) {
		client := connect(t, s, e, "alice")
		sub := client.subscribe("news", centrifuge.SubscriptionConfig{})
		client.cut()
		for _, number := range numbers(1, 3) {
			s.publish("news", number)
		}
		client.mend()
		again := sub.subscribed.wait(t, 2)
		equal(t, "recovery", []bool{again.WasRecovering, again.Recovered}, []bool{true, false})
		equal(t, "offset", again.StreamPosition.Offset, uint64(3))
		s.publish("news", 4)
		sub.expect(4)
	})
}

func TestAnApplicationsStateAndItsStreamFitTogether(t *testing.T) {
	inBoth(t, object{"history_size": 2}, func(t *testing.T, s *server, e encoding) {
		client := connect(t, s, e, "alice")
		asked := hears[string]("questions for state")
		publish := func(from, to int) {
			for _, number := range numbers(from, to) {
				s.publish("stock", number)
			}
		}
		publish(1, 3)
		sub := client.subscribe("stock", centrifuge.SubscriptionConfig{
			GetState: func(e centrifuge.SubscriptionGetStateEvent) (centrifuge.StreamPosition, error) {
				asked.push(e.Channel)
				top := s.call("history", object{"channel": e.Channel})
				offset, _ := top["offset"].(float64)
				if len(asked.all()) == 1 {
					// An old state first: the one publication behind it is brought.
					offset--
				}
				return centrifuge.StreamPosition{Offset: uint64(offset), Epoch: fmt.Sprint(top["epoch"])}, nil
			},
		})
		sub.expect(3)
		client.cut()
		publish(4, 5)
		client.mend()
		equal(t, "recovered", sub.subscribed.wait(t, 2).Recovered, true)
		sub.publications.wait(t, 3)
		equal(t, "questions after a recovery", len(asked.all()), 1)
		client.cut()
		publish(6, 9)
		client.mend()
		sub.subscribed.wait(t, 3)
		equal(t, "questions after a loss", asked.all(), []string{"stock", "stock"})
		publish(10, 10)
		sub.publications.wait(t, 4)
		sub.expect(3, 4, 5, 10)
	})
}

func TestChannelsOfTheTokenAreSubscribedByTheServerAndRecover(t *testing.T) {
	inBoth(t, object{"force_push_join_leave": true}, func(t *testing.T, s *server, e encoding) {
		client := dial(t, s, e, centrifuge.Config{Token: token(object{"sub": "alice", "channels": []string{"personal"}})})
		equal(t, "channel", client.subscribed.wait(t, 1).Channel, "personal")
		s.publish("personal", 1)
		client.publications.wait(t, 1)
		client.cut()
		s.publish("personal", 2)
		client.mend()
		equal(t, "recovered", client.subscribed.wait(t, 2).Recovered, true)
		equal(t, "data", value(t, client.publications.wait(t, 2).Data), 2)
		s.call("subscribe", object{"user": "alice", "channel": "more"})
		equal(t, "channel", client.subscribed.wait(t, 3).Channel, "more")
		s.publish("more", 3)
		equal(t, "channel", client.publications.wait(t, 3).Channel, "more")
		bob := connect(t, s, e, "bob").subscribe("more", centrifuge.SubscriptionConfig{})
		must(t, bob.Unsubscribe())
		equal(t, "leave", client.leaves.wait(t, 1), "bob")
		s.call("unsubscribe", object{"user": "alice", "channel": "more"})
		equal(t, "channel", client.unsubscribed.wait(t, 1).Channel, "more")
	})
}

func TestTheServerMayEndASubscription(t *testing.T) {
	inBoth(t, nil, func(t *testing.T, s *server, e encoding) {
		client := connect(t, s, e, "alice")
		sub := client.subscribe("news", centrifuge.SubscriptionConfig{})
		s.call("unsubscribe", object{"user": "alice", "channel": "news"})
		equal(t, "code", sub.unsubscribed.wait(t, 1).Code, uint32(2000))
		must(t, sub.Subscribe())
		sub.subscribed.wait(t, 2)
		s.publish("news", "again")
		sub.expect("again")
	})
}

func TestDeltasGiveWhatWasPublishedAlsoAfterAnOutage(t *testing.T) {
	inBoth(t, object{"delta_publish": true}, func(t *testing.T, s *server, e encoding) {
		client := connect(t, s, e, "alice")
		sub := client.subscribe("match", centrifuge.SubscriptionConfig{Delta: centrifuge.DeltaTypeFossil})
		state := func(n int) any {
			return fmt.Sprintf("%s score %d %s", strings.Repeat("ж", 50), n, strings.Repeat("a", 200))
		}
		var states []any
		publish := func(count int) {
			for range count {
				states = append(states, state(len(states)))
				s.publish("match", states[len(states)-1])
			}
		}
		publish(5)
		sub.publications.wait(t, len(states))
		for outage, missed := range []int{4, 0} {
			client.cut()
			publish(missed)
			client.mend()
			equal(t, "recovered", sub.subscribed.wait(t, outage+2).Recovered, true)
			publish(3)
			sub.publications.wait(t, len(states))
		}
		sub.expect(states...)
	})
}

func TestAFilterLetsThroughWhatMatchesAlsoAfterAnOutage(t *testing.T) {
	inBoth(t, nil, func(t *testing.T, s *server, e encoding) {
		client := connect(t, s, e, "alice")
		filter := centrifuge.FilterAnd(
			centrifuge.FilterIn("ticker", "AAPL", "MSFT"),
			centrifuge.FilterNot(centrifuge.FilterLt("price", "100")),
		)
		sub := client.subscribe("stock", centrifuge.SubscriptionConfig{TagsFilter: filter, Recoverable: true, Positioned: true})
		publish := func(name string) {
			for n, tags := range []object{{"ticker": "AAPL", "price": "150"}, {"ticker": "GOOG", "price": "150"}, {"ticker": "MSFT", "price": "99.5"}, {"ticker": "MSFT", "price": "100"}} {
				s.call("publish", object{"channel": "stock", "data": fmt.Sprint(name, n), "tags": tags})
			}
			s.publish("stock", name+" without tags")
		}
		publish("live")
		sub.publications.wait(t, 2)
		equal(t, "tags", sub.publications.all()[0].Tags, map[string]string{"ticker": "AAPL", "price": "150"})
		client.cut()
		publish("missed")
		client.mend()
		equal(t, "recovered", sub.subscribed.wait(t, 2).Recovered, true)
		publish("again")
		sub.publications.wait(t, 6)
		sub.expect("live0", "live3", "missed0", "missed3", "again0", "again3")
		must(t, sub.Unsubscribe())
		must(t, sub.SetTagsFilter(centrifuge.FilterContains("ticker", "OO")))
		must(t, sub.Subscribe())
		sub.subscribed.wait(t, 3)
		publish("other")
		sub.publications.wait(t, 7)
		sub.expect("live0", "live3", "missed0", "missed3", "again0", "again3", "other1")
	})
}

func TestAFilterWhereNoneIsAllowedIsRefused(t *testing.T) {
	inBoth(t, object{"allow_tags_filter": false}, func(t *testing.T, s *server, e encoding) {
		client := connect(t, s, e, "alice")
		sub := client.begin("stock", centrifuge.SubscriptionConfig{TagsFilter: centrifuge.FilterExists("ticker")})
		equal(t, "code", sub.unsubscribed.wait(t, 1).Code, uint32(107))
	})
}
