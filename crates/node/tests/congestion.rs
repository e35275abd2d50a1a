//! While a worker's inbox holds too much, publishers wait, and go on in their order.

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use bytes::Bytes;
    use veche_engine::memory::broker::MemoryBroker;
    use veche_engine::memory::clock::ManualClock;
    use veche_engine::memory::presence::MemoryPresence;
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

    /// Two workers that turn when they are told to.
    struct World {
        simulation: Simulation,
        runtime: tokio::runtime::Runtime,
        last_id: u32,
    }

    impl World {
        fn new() -> Self {
            let ttl = Duration::from_secs(600);
            let mut rules = Rules::default();
            rules.client.insecure = true;
            rules.client.concurrency = 8;
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
                }
            };
            let (authority, reception) = (Arc::new(Nobody), Arc::new(Nobody));
            let simulation = Simulation::with(config, rules, authority, reception, engine);
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            let mut world = Self {
                simulation: simulation.expect("an event queue"),
                runtime: runtime.expect("a runtime"),
                last_id: 0,
            };
            // Its inbox is the one that fills.
            let reader = world.client();
            world.say(reader, r#""subscribe":{"channel":"busy"}"#);
            world
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
            let mut bytes = Vec::new();
            frame::write_masked(&mut bytes, Opcode::Text, false, text.as_bytes(), [0; 4]);
            self.simulation.receive(slot, &mut bytes);
        }

        /// Fills the first worker's inbox beyond its mark.
        fn congest(&self) {
            let data = format!("\"{}\"", "x".repeat(HIGH_WATER));
            let publication = Publication::new(Payload::json(data.into()));
            let (channel, options) = (Channel::new("busy"), PublishOptions::default());
            self.simulation.publish(&channel, publication, &options);
        }

        /// The first worker has a turn.
        fn act(&mut self) {
            self.simulation.act(0, Now::default());
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

    #[test]
    fn a_publish_of_the_api_waits_until_the_inbox_was_taken() {
        let mut world = World::new();
        world.call("news", "1", false);
        assert_eq!(world.published("news"), ["1"]);
        world.congest();
        world.call("news", "2", false);
        assert_eq!(world.published("news"), ["1"]);
        world.act();
        assert_eq!(world.published("news"), ["1", "2"]);
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
