//! What the server counts, in the form that Prometheus scrapes.
//!
//! Names and labels beginning with `centrifugo_` are those of Centrifugo, so that existing dashboards work; those
//! beginning with `veche_` are ours. Workers count in plain cells; everything is summed when somebody asks.

use std::fmt::Display;
use std::sync::Arc;

use metrics::{Key, KeyName, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use veche_node::counters::{Counters, Tally};
use veche_node::node::Node;

/// Renders what a node has counted.
#[derive(Debug)]
pub(crate) struct Metrics {
    node: Arc<Node>,
}

/// One rendering: a recorder that is filled once, and read.
struct Page {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

const METADATA: Metadata<'static> = Metadata::new("veche", Level::INFO, None);

impl Metrics {
    pub(crate) fn new(node: Arc<Node>) -> Self {
        Self { node }
    }

    /// The text of a scrape.
    pub(crate) async fn render(&self) -> String {
        let info = self.node.info().await;
        let workers = self.node.all_counters();
        let sum = |count: fn(&Counters) -> u64| workers.iter().map(|counters| count(counters)).sum::<u64>();
        let page = Page::new();
        page.gauge("centrifugo_node_num_clients", &[], info.clients);
        page.gauge("centrifugo_node_num_users", &[], info.users);
        page.gauge("centrifugo_node_num_subscriptions", &[], info.subscriptions);
        page.gauge("centrifugo_node_num_channels", &[], info.channels);
        page.gauge("centrifugo_node_num_nodes", &[], 1);
        page.gauge("centrifugo_node_build", &[("version", self.node.config().version.clone())], 1);
        for (kind, count) in [
            ("publication", sum(|counters| counters.publications_sent.value())),
            ("join", sum(|counters| counters.joins_sent.value())),
            ("leave", sum(|counters| counters.leaves_sent.value())),
            ("reply", sum(|counters| counters.replies_sent.value())),
        ] {
            page.counter("centrifugo_node_messages_sent_count", &[("type", kind.into()), no_namespace()], count);
        }
        page.counter(
            "centrifugo_transport_messages_received",
            &[("transport", "websocket".into()), ("frame_type", "".into()), no_namespace()],
            sum(|counters| counters.messages_received.value()),
        );
        page.counter(
            "centrifugo_transport_messages_received_size",
            &[("transport", "websocket".into()), ("frame_type", "".into()), no_namespace()],
            sum(|counters| counters.bytes_received.value()),
        );
        page.counter(
            "centrifugo_client_connections_accepted",
            &[("transport", "websocket".into())],
            sum(|counters| counters.connections_accepted.value()),
        );
        page.gauge("centrifugo_client_connections_inflight", &[("transport", "websocket".into())], info.clients);
        page.gauge("centrifugo_client_subscriptions_inflight", &[no_namespace()], info.subscriptions);
        self.tallies(&page);
        page.gauge("veche_sockets", &[], to_usize(sum(|counters| counters.sockets.value())));
        page.gauge("veche_backlog_bytes", &[], to_usize(sum(|counters| counters.backlog.value())));
        page.counter("veche_session_panics", &[], sum(|counters| counters.panics.value()));
        page.gauge("veche_uptime_seconds", &[], to_usize(self.node.uptime().as_secs()));
        page.render()
    }

    fn tallies(&self, page: &Page) {
        let tallies: [(&'static str, &'static str, fn(&Counters) -> Vec<(String, u64)>); 5] = [
            ("centrifugo_client_command_count", "method", |counters| labelled(&counters.commands)),
            ("centrifugo_client_num_reply_errors", "code", |counters| labelled(&counters.reply_errors)),
            ("centrifugo_client_num_server_disconnects", "code", |counters| labelled(&counters.disconnects)),
            ("centrifugo_client_num_server_unsubscribes", "code", |counters| labelled(&counters.unsubscribes)),
            ("centrifugo_client_recover", "recovered", |counters| {
                let answer = |recovered| if recovered { "yes" } else { "no" };
                let values = counters.recoveries.values();
                values.into_iter().map(|(recovered, count)| (answer(recovered).to_owned(), count)).collect()
            }),
        ];
        for (name, label, values) in tallies {
            let mut sums = std::collections::BTreeMap::<String, u64>::new();
            for (value, count) in self.node.all_counters().iter().flat_map(|counters| values(counters)) {
                *sums.entry(value).or_default() += count;
            }
            for (value, count) in sums {
                page.counter(name, &[(label, value)], count);
            }
        }
    }
}

/// The label that Centrifugo fills where it is told to tell namespaces apart.

fn no_namespace() -> (&'static str, String) {
    ("channel_namespace", String::new())
}

fn labelled<K: Copy + PartialEq + Display>(tally: &Tally<K>) -> Vec<(String, u64)> {
    tally.values().into_iter().map(|(label, count)| (label.to_string(), count)).collect()
}

fn to_usize(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

impl Page {
    fn new() -> Self {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        Self { recorder, handle }
    }

    fn counter(&self, name: &'static str, labels: &[(&'static str, String)], value: u64) {
        self.recorder.register_counter(&key(name, labels), &METADATA).absolute(value);
    }

    #[expect(clippy::cast_precision_loss, reason = "gauges are floats on the wire")]
    fn gauge(&self, name: &'static str, labels: &[(&'static str, String)], value: usize) {
        self.recorder.register_gauge(&key(name, labels), &METADATA).set(value as f64);
    }

    fn render(&self) -> String {
        self.handle.render()
    }
}

fn key(name: &'static str, labels: &[(&'static str, String)]) -> Key {
    let labels: Vec<Label> = labels.iter().map(|(name, value)| Label::new(*name, value.clone())).collect();
    Key::from_parts(KeyName::from_const_str(name), labels)
}
