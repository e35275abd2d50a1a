// A client of the official Go SDK, in both of its encodings, with everything that it says kept in order.

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/centrifugal/centrifuge-go"
)

// encoding is one of the two ways to speak.
type encoding struct {
	name string
	make func(url string, config centrifuge.Config) *centrifuge.Client
}

var encodings = []encoding{
	{"JSON", centrifuge.NewJsonClient},
	{"Protobuf", centrifuge.NewProtobufClient},
}

// inBoth runs a test in both encodings, each against a server of its own.
func inBoth(t *testing.T, options object, test func(t *testing.T, s *server, e encoding)) {
	t.Helper()
	for _, e := range encodings {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			test(t, startServer(t, options), e)
		})
	}
}

// heard keeps what happened; tests wait for its contents.
type heard[T any] struct {
	what    string
	mutex   sync.Mutex
	items   []T
	changed chan struct{}
}

func hears[T any](what string) *heard[T] {
	return &heard[T]{what: what, changed: make(chan struct{})}
}

func (h *heard[T]) push(item T) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.items = append(h.items, item)
	close(h.changed)
	h.changed = make(chan struct{})
}

func (h *heard[T]) all() []T {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return append([]T(nil), h.items...)
}

// wait waits for `count` items and returns the last of them.
func (h *heard[T]) wait(t *testing.T, count int) T {
	t.Helper()
	late := time.After(deadline)
	for {
		h.mutex.Lock()
		items, changed := h.items, h.changed
		h.mutex.Unlock()
		if len(items) >= count {
			return items[count-1]
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("%s: %d came within %v, not %d: %v", h.what, len(items), deadline, count, items)
		}
	}
}

// conversation is a client and what happened to it.
type conversation struct {
	*centrifuge.Client
	t             *testing.T
	network       *network
	connected     *heard[centrifuge.ConnectedEvent]
	connecting    *heard[centrifuge.ConnectingEvent]
	disconnected  *heard[centrifuge.DisconnectedEvent]
	subscribed    *heard[centrifuge.ServerSubscribedEvent]
	unsubscribed  *heard[centrifuge.ServerUnsubscribedEvent]
	publications  *heard[centrifuge.ServerPublicationEvent]
	joins, leaves *heard[string]
}

// dial begins to connect; the client leaves when the test ends.
func dial(t *testing.T, s *server, e encoding, config centrifuge.Config) *conversation {
	t.Helper()
	net := &network{}
	config.NetDialContext = net.dial
	config.MinReconnectDelay, config.MaxReconnectDelay = 10*time.Millisecond, 200*time.Millisecond
	config.HandshakeTimeout = deadline
	c := &conversation{
		Client:       e.make(s.url(), config),
		t:            t,
		network:      net,
		connected:    hears[centrifuge.ConnectedEvent]("connected"),
		connecting:   hears[centrifuge.ConnectingEvent]("connecting"),
		disconnected: hears[centrifuge.DisconnectedEvent]("disconnected"),
		subscribed:   hears[centrifuge.ServerSubscribedEvent]("subscribed by the server"),
		unsubscribed: hears[centrifuge.ServerUnsubscribedEvent]("unsubscribed by the server"),
		publications: hears[centrifuge.ServerPublicationEvent]("publications of server-side subscriptions"),
		joins:        hears[string]("joins of server-side subscriptions"),
		leaves:       hears[string]("leaves of server-side subscriptions"),
	}
	c.OnConnected(c.connected.push)
	c.OnConnecting(c.connecting.push)
	c.OnDisconnected(c.disconnected.push)
	c.OnSubscribed(c.subscribed.push)
	c.OnUnsubscribed(c.unsubscribed.push)
	c.OnPublication(c.publications.push)
	c.OnJoin(func(e centrifuge.ServerJoinEvent) { c.joins.push(e.User) })
	c.OnLeave(func(e centrifuge.ServerLeaveEvent) { c.leaves.push(e.User) })
	t.Cleanup(c.Close)
	must(t, c.Connect())
	return c
}

// connect is a client of this user that is connected.
func connect(t *testing.T, s *server, e encoding, user string) *conversation {
	t.Helper()
	c := dial(t, s, e, centrifuge.Config{Token: token(object{"sub": user})})
	c.connected.wait(t, 1)
	return c
}

// subscription is a subscription and what happened to it.
type subscription struct {
	*centrifuge.Subscription
	t             *testing.T
	subscribed    *heard[centrifuge.SubscribedEvent]
	subscribing   *heard[centrifuge.SubscribingEvent]
	unsubscribed  *heard[centrifuge.UnsubscribedEvent]
	publications  *heard[centrifuge.Publication]
	errors        *heard[error]
	joins, leaves *heard[string]
}

// begin begins to subscribe.
func (c *conversation) begin(channel string, config centrifuge.SubscriptionConfig) *subscription {
	c.t.Helper()
	config.MinResubscribeDelay, config.MaxResubscribeDelay = 10*time.Millisecond, 200*time.Millisecond
	sub, err := c.NewSubscription(channel, config)
	must(c.t, err)
	s := &subscription{
		Subscription: sub,
		t:            c.t,
		subscribed:   hears[centrifuge.SubscribedEvent](channel + " subscribed"),
		subscribing:  hears[centrifuge.SubscribingEvent](channel + " subscribing"),
		unsubscribed: hears[centrifuge.UnsubscribedEvent](channel + " unsubscribed"),
		publications: hears[centrifuge.Publication](channel + " publications"),
		errors:       hears[error](channel + " errors"),
		joins:        hears[string](channel + " joins"),
		leaves:       hears[string](channel + " leaves"),
	}
	sub.OnSubscribed(s.subscribed.push)
	sub.OnSubscribing(s.subscribing.push)
	sub.OnUnsubscribed(s.unsubscribed.push)
	sub.OnPublication(func(e centrifuge.PublicationEvent) { s.publications.push(e.Publication) })
	sub.OnError(func(e centrifuge.SubscriptionErrorEvent) { s.errors.push(e.Error) })
	sub.OnJoin(func(e centrifuge.JoinEvent) { s.joins.push(e.User) })
	sub.OnLeave(func(e centrifuge.LeaveEvent) { s.leaves.push(e.User) })
	must(c.t, sub.Subscribe())
	return s
}

// subscribe is a subscription that is live.
func (c *conversation) subscribe(channel string, config centrifuge.SubscriptionConfig) *subscription {
	c.t.Helper()
	sub := c.begin(channel, config)
	sub.subscribed.wait(c.t, 1)
	return sub
}

// expect waits for as many publications as there are values, and wants them to be these, in this order.
func (s *subscription) expect(values ...any) {
	s.t.Helper()
	if len(values) > 0 {
		s.publications.wait(s.t, len(values))
	}
	var got []any
	for _, publication := range s.publications.all() {
		got = append(got, value(s.t, publication.Data))
	}
	equal(s.t, s.Channel, got, values)
}

// network is what lies between a client and its server; it can be cut and mended.
type network struct {
	mutex sync.Mutex
	isCut bool
	open  []net.Conn
}

var errCut = errors.New("the network is cut")

func (n *network) dial(ctx context.Context, kind, address string) (net.Conn, error) {
	connection, err := (&net.Dialer{}).DialContext(ctx, kind, address)
	if err != nil {
		return nil, err
	}
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if n.isCut {
		connection.Close()
		return nil, errCut
	}
	n.open = append(n.open, connection)
	return connection, nil
}

// cut breaks the connection, and lets none through until it is mended. It returns when the client has noticed.
func (c *conversation) cut() {
	c.t.Helper()
	before := len(c.connecting.all())
	c.network.mutex.Lock()
	c.network.isCut = true
	for _, connection := range c.network.open {
		connection.Close()
	}
	c.network.open = nil
	c.network.mutex.Unlock()
	c.connecting.wait(c.t, before+1)
}

func (c *conversation) mend() {
	c.network.mutex.Lock()
	defer c.network.mutex.Unlock()
	c.network.isCut = false
}

// within is how long an answer may take.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	t.Cleanup(cancel)
	return ctx
}

// refused wants an error of the protocol with this code.
func refused(t *testing.T, err error, code uint32) {
	t.Helper()
	var refusal *centrifuge.Error
	if !errors.As(err, &refusal) || refusal.Code != code {
		t.Fatalf("wanted error %d, got %v", code, err)
	}
}

func equal(t *testing.T, what string, got, wanted any) {
	t.Helper()
	if !reflect.DeepEqual(got, wanted) {
		t.Fatalf("%s: got %v, wanted %v", what, got, wanted)
	}
}

func pack(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("a test publishes what is no JSON: %v", err))
	}
	return text
}

// value is data as a test wrote them; whole numbers are ints.
func value(t *testing.T, data []byte) any {
	t.Helper()
	var value any
	must(t, json.Unmarshal(data, &value))
	if number, is := value.(float64); is && number == float64(int(number)) {
		return int(number)
	}
	return value
}

func numbers(from, to int) []any {
	var all []any
	for n := from; n <= to; n++ {
		all = append(all, n)
	}
	return all
}
