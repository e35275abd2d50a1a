//! While a worker's inbox holds too much, publishers wait, and go on in their order.

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::io::Write;
    use std::net::TcpStream;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    use std::sync::Arc;
    use std::time::Duration;

    use bytes::Bytes;
    use veche_engine::memory::broker::MemoryBroker;
    use veche_engine::memory::clock::ManualClock;
    use veche_engine::memory::presence::MemoryPresence;
    use veche_node::connection::{Conversation, Opening};
    use veche_node::inbox::InboxLimits;
    use veche_node::node::{Engine, Node, NodeConfig};
    use veche_node::simulate::{Nobody, Simulation};
    use veche_protocol::batch::Encoding;
    use veche_protocol::channel::Channel;
    use veche_protocol::history::Query;
    use veche_protocol::payload::Payload;
    use veche_protocol::publication::{Publication, PublishOptions, Retention};
    use veche_session::rules::{ChannelOptions, Rules};
    use veche_session::turn::Now;
    use veche_websocket::frame::{self, Opcode};

    /// Publishers wait when more than this waits for a worker, in bytes.
    const HIGH_WATER: usize = 4000;

    /// Two workers that turn when they are told to: the first one's clients publish, the second one's inbox fills.
    struct World {
        simulation: Simulation,
        runtime: tokio::runtime::Runtime,
        last_id: u32,
        _reader: UnixStream,
    }

    impl World {
        fn new() -> Self {
            let ttl = Duration::from_secs(600);
            let mut rules = Rules::default();
            rules.client.insecure = true;
            rules.client.concurrency = 2;
            rules.channel.without_namespace = Arc::new(ChannelOptions {
                retention: Some(Retention {
                    size: 100,
                    ttl,
                    meta_ttl: ttl,
                }),
                history_meta_ttl: ttl,
                ..ChannelOptions::default()
            });
            let config = NodeConfig {
                workers: 2,
                inbox: InboxLimits {
                    high_water: HIGH_WATER,
                    hard_limit: 1 << 20,
                },
                ..NodeConfig::default()
            };
            let engine = |sink| {
                let clock = Arc::new(ManualClock::at(1_700_000_000_000));
                Engine {
                    broker: Arc::new(MemoryBroker::new(sink, clock.clone())),
                    presence: Arc::new(MemoryPresence::new(clock)),
                    controller: None,
                }
            };
            let (authority, reception) = (Arc::new(Nobody), Arc::new(Nobody));
            let simulation = Simulation::with(config, rules, authority, reception, engine);
            let mut simulation = simulation.expect("an event queue");
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            let reader = subscribe_at_second(&mut simulation);
            Self {
                simulation,
                runtime: runtime.expect("a runtime"),
                last_id: 0,
                _reader: reader,
            }
        }

        fn node(&self) -> &Arc<Node> {
            self.simulation.node()
        }

        /// A connected client of the first worker.
        fn client(&mut self) -> u32 {
            let slot = self.simulation.open(Encoding::Json, None).expect("a slot");
            self.say(slot, r#""connect":{}"#);
            slot
        }

        fn say(&mut self, slot: u32, command: &str) {
            self.last_id += 1;
            let text = format!(r#"{{"id":{},{command}}}"#, self.last_id);
            self.simulation.receive(slot, &mut masked(&text));
        }

        fn publish(&mut self, slot: u32, data: u32) {
            let body = format!(r#""publish":{{"channel":"news","data":{data}}}"#);
            self.say(slot, &body);
        }

        /// Fills the second worker's inbox beyond its mark.
        fn congest(&self) {
            let data = format!("\"{}\"", "x".repeat(HIGH_WATER));
            let publication = Publication::new(Payload::json(data.into()));
            let (channel, options) = (Channel::new("busy"), PublishOptions::default());
            self.simulation.publish(&channel, publication, &options);
        }

        /// The second worker takes its inbox.
        fn ease(&mut self) {
            self.act(1);
        }

        fn act(&mut self, worker: usize) {
            self.simulation.act(worker, Now::default());
            self.simulation.control();
        }

        /// An API call that publishes; it goes on in [`Simulation::control`].
        fn call(&self, channel: &'static str, data: &'static str, skips_history: bool) {
            let node = self.node().clone();
            self.simulation.spawn(async move {
                let publication = Publication::new(Payload::json(Bytes::from(data)));
                let options = PublishOptions::default();
                let published = node.publish(channel, publication, options, skips_history);
                published.await.expect("the channel exists");
            });
            self.simulation.control();
        }

        /// What was published in a channel so far.
        fn published(&self, channel: &str) -> Vec<String> {
            let history = self.node().history(channel, Query::default());
            let page = self.runtime.block_on(history).expect("it has a history");
            let text =
                |it: &Arc<Publication>| String::from_utf8_lossy(it.data.bytes()).into_owned();
            page.publications.iter().map(text).collect()
        }
    }

    fn masked(text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        frame::write_masked(&mut bytes, Opcode::Text, false, text.as_bytes(), [0; 4]);
        bytes
    }

    /// A subscriber of the busy channel at the second worker, and the client's end of its connection.
    fn subscribe_at_second(simulation: &mut Simulation) -> UnixStream {
        let (mut ours, theirs) = UnixStream::pair().expect("two ends");
        theirs.set_nonblocking(true).expect("it is a socket");
        let encoding = Encoding::Json;
        let opening = Opening::websocket(Conversation::Centrifuge { encoding });
        let socket = TcpStream::from(OwnedFd::from(theirs));
        let seat = simulation
            .open_at(1, opening, Some(socket))
            .expect("a place");
        for command in [
            r#"{"id":1,"connect":{}}"#,
            r#"{"id":2,"subscribe":{"channel":"busy"}}"#,
        ] {
            ours.write_all(&masked(command)).expect("there is room");
        }
        simulation.ready(seat);
        assert_eq!(simulation.population(), (1, 1));
        ours
    }

    #[test]
    fn a_publish_of_the_api_waits_until_the_inbox_was_taken() {
        let mut world = World::new();
        world.call("news", "1", false);
        assert_eq!(world.published("news"), ["1"]);
        world.congest();
        world.call("news", "2", false);
        assert_eq!(world.published("news"), ["1"]);
        world.ease();
        assert_eq!(world.published("news"), ["1", "2"]);
    }

    #[test]
    fn a_publication_that_comes_after_congestion_does_not_overtake_one_that_waits_since() {
        let mut world = World::new();
        let slot = world.client();
        world.congest();
        world.publish(slot, 1);
        world.ease();
        world.publish(slot, 2);
        assert_eq!(world.published("news"), [""; 0]);
        world.act(0);
        assert_eq!(world.published("news"), ["1", "2"]);
    }

    #[test]
    fn more_publications_than_may_be_under_way_keep_their_order() {
        let mut world = World::new();
        let slot = world.client();
        world.congest();
        for data in 1..=6 {
            world.publish(slot, data);
        }
        world.ease();
        for _ in 0..6 {
            world.act(0);
        }
        assert_eq!(world.published("news"), ["1", "2", "3", "4", "5", "6"]);
    }

    #[test]
    fn what_waits_for_a_client_that_has_gone_is_not_published() {
        let mut world = World::new();
        let (gone, stays) = (world.client(), world.client());
        world.congest();
        world.publish(gone, 1);
        world.publish(stays, 2);
        world.simulation.lose(gone);
        // Somebody else has the same place, and asks the same.
        let next = world.client();
        assert_eq!(next, gone);
        world.publish(next, 3);
        world.ease();
        world.act(0);
        assert_eq!(world.published("news"), ["2", "3"]);
    }

    #[test]
    fn a_publish_of_the_api_keeps_nothing_where_that_is_wanted() {
        let world = World::new();
        world.call("news", "1", true);
        world.call("news", "2", false);
        world.call("news", "3", true);
        assert_eq!(world.published("news"), ["2"]);
    }
}
