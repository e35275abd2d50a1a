//! What the server counts, in the form that Prometheus scrapes.
//!
//! Names and labels beginning with `centrifugo_` are those of Centrifugo, so that existing dashboards work; those
//! beginning with `veche_` are ours. Each worker has counters that only it writes; they are summed for each scrape.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

use metrics::{Key, KeyName, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use veche_engine_disk::broker::DiskBroker;
use veche_node::counters::{Counters, Durations, Tally};
use veche_node::node::Node;
use veche_transport::doors::Doors;
use veche_transport::refusals::Reason;

use crate::backend::Calls;
use crate::logging;

/// Renders the counters of a node.
#[derive(Debug)]
pub(crate) struct Metrics {
    node: Arc<Node>,
    /// By protocol.
    calls: Vec<(&'static str, Arc<Calls>)>,
    doors: Arc<Doors>,
    /// The engine, where it is the one on disk.
    disk: Option<Arc<DiskBroker>>,
}

/// One rendering: a recorder that is filled once, and read.
struct Page {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

const METADATA: Metadata<'static> = Metadata::new("veche", Level::INFO, None);

impl Metrics {
    /// `calls` is what the doors of the server API count, by protocol; `doors` know who was not let in.
    pub(crate) fn new(
        node: Arc<Node>,
        calls: Vec<(&'static str, Arc<Calls>)>,
        doors: Arc<Doors>,
        disk: Option<Arc<DiskBroker>>,
    ) -> Self {
        Self {
            node,
            calls,
            doors,
            disk,
        }
    }

    /// The text of a scrape.
    pub(crate) fn render(&self) -> String {
        let page = Page::new();
        self.node_gauges(&page);
        self.node_counts(&page);
        self.transport_counts(&page);
        self.client_counts(&page);
        self.refusals(&page);
        self.call_counts(&page);
        self.own(&page);
        self.store(&page);
        page.render() + &self.durations()
    }

    /// The sum of a counter over all workers.
    fn sum(&self, count: fn(&Counters) -> u64) -> u64 {
        self.node
            .all_counters()
            .iter()
            .map(|counters| count(counters))
            .sum()
    }

    fn node_gauges(&self, page: &Page) {
        let info = self.node.info();
        let version = self.node.config().version.clone();
        page.gauge("centrifugo_node_num_clients", &[], info.clients);
        page.gauge("centrifugo_node_num_users", &[], info.users);
        page.gauge("centrifugo_node_num_subscriptions", &[], info.subscriptions);
        page.gauge("centrifugo_node_num_channels", &[], info.channels);
        page.gauge("centrifugo_node_num_nodes", &[], 1);
        page.gauge("centrifugo_node_build", &[("version", version)], 1);
        page.gauge(
            "centrifugo_client_connections_inflight",
            &[websocket()],
            info.clients,
        );
        page.gauge(
            "centrifugo_client_subscriptions_inflight",
            &[no_namespace()],
            info.subscriptions,
        );
    }

    fn node_counts(&self, page: &Page) {
        for (kind, count) in [
            (
                "publication",
                self.sum(|counters| counters.publications_sent.value()),
            ),
            ("join", self.sum(|counters| counters.joins_sent.value())),
            ("leave", self.sum(|counters| counters.leaves_sent.value())),
            ("reply", self.sum(|counters| counters.replies_sent.value())),
        ] {
            page.counter(
                "centrifugo_node_messages_sent_count",
                &[("type", kind.into()), no_namespace()],
                count,
            );
        }
        for (kind, count) in [
            ("publication", self.node.received_publications()),
            ("join", self.node.received_joins()),
            ("leave", self.node.received_leaves()),
        ] {
            page.counter(
                "centrifugo_node_messages_received_count",
                &[("type", kind.into()), no_namespace()],
                count,
            );
        }
    }

    fn transport_counts(&self, page: &Page) {
        let labels = [websocket(), ("frame_type", String::new()), no_namespace()];
        let sent = self.sum(|counters| {
            counters.publications_sent.value()
                + counters.joins_sent.value()
                + counters.leaves_sent.value()
                + counters.replies_sent.value()
        });
        page.counter("centrifugo_transport_messages_sent", &labels, sent);
        page.counter(
            "centrifugo_transport_messages_sent_size",
            &labels,
            self.sum(|it| it.bytes_sent.value()),
        );
        page.counter(
            "centrifugo_transport_messages_received",
            &labels,
            self.sum(|it| it.messages_received.value()),
        );
        page.counter(
            "centrifugo_transport_messages_received_size",
            &labels,
            self.sum(|it| it.bytes_received.value()),
        );
    }

    fn client_counts(&self, page: &Page) {
        let accepted = self.sum(|counters| counters.connections_accepted.value());
        page.counter(
            "centrifugo_client_connections_accepted",
            &[websocket()],
            accepted,
        );
        self.tally(page, "centrifugo_client_num_reply_errors", "code", |it| {
            labelled(&it.reply_errors)
        });
        self.tally(
            page,
            "centrifugo_client_num_server_disconnects",
            "code",
            |it| labelled(&it.disconnects),
        );
        self.tally(
            page,
            "centrifugo_client_num_server_unsubscribes",
            "code",
            |it| labelled(&it.unsubscribes),
        );
        self.tally(page, "centrifugo_client_recover", "recovered", |counters| {
            let answer = |recovered| if recovered { "yes" } else { "no" };
            let values = counters.recoveries.values();
            values
                .into_iter()
                .map(|(recovered, count)| (answer(recovered).to_owned(), count))
                .collect()
        });
    }

    fn refusals(&self, page: &Page) {
        let refusals = &self.doors.refusals;
        page.counter(
            "centrifugo_node_client_connection_limit",
            &[],
            refusals.count(Reason::Limit),
        );
        for reason in Reason::ALL {
            page.counter(
                "veche_upgrades_refused",
                &[("reason", reason.name().to_owned())],
                refusals.count(reason),
            );
        }
    }

    fn call_counts(&self, page: &Page) {
        for (protocol, calls) in &self.calls {
            for ((method, code), count) in calls.errors.values() {
                page.counter(
                    "centrifugo_api_command_errors_total",
                    &[
                        ("protocol", (*protocol).to_owned()),
                        ("method", method.to_owned()),
                        ("error", code.to_string()),
                    ],
                    count,
                );
            }
        }
    }

    fn own(&self, page: &Page) {
        page.gauge(
            "veche_sockets",
            &[],
            to_usize(self.sum(|counters| counters.sockets.value())),
        );
        page.gauge(
            "veche_backlog_bytes",
            &[],
            to_usize(self.sum(|counters| counters.backlog.value())),
        );
        page.counter(
            "veche_session_panics",
            &[],
            self.sum(|counters| counters.panics.value()),
        );
        page.counter("veche_log_lines_dropped_total", &[], logging::dropped());
        page.gauge(
            "veche_uptime_seconds",
            &[],
            to_usize(self.node.uptime().as_secs()),
        );
    }

    /// How the store of the engine on disk stands.
    fn store(&self, page: &Page) {
        let Some(disk) = &self.disk else { return };
        let stats = disk.stats();
        for (name, bytes) in [
            ("veche_store_used_bytes", stats.used_bytes),
            ("veche_store_free_bytes", stats.free_bytes),
            ("veche_store_journal_bytes", stats.journal_bytes),
            ("veche_store_cache_bytes", stats.cache_bytes),
        ] {
            page.gauge(name, &[], to_usize(bytes));
        }
        for (name, count) in [
            ("veche_store_publications_kept_total", stats.kept),
            ("veche_store_publishes_refused_total", stats.refused),
            ("veche_store_syncs_total", stats.syncs.0),
            ("veche_store_writes_total", stats.writes.0),
            ("veche_store_loads_total", stats.loads),
            ("veche_store_chunks_dropped_total", stats.dropped_chunks),
            ("veche_store_damaged_total", stats.damaged),
        ] {
            page.counter(name, &[], count);
        }
        for (name, seconds) in [
            ("veche_store_sync_seconds_total", stats.syncs.1),
            ("veche_store_write_seconds_total", stats.writes.1),
        ] {
            page.number(name, seconds);
        }
    }

    /// Counts by a label, summed over the workers.
    fn tally(
        &self,
        page: &Page,
        name: &'static str,
        label: &'static str,
        values: fn(&Counters) -> Vec<(String, u64)>,
    ) {
        let mut sums = BTreeMap::<String, u64>::new();
        for (value, count) in self
            .node
            .all_counters()
            .iter()
            .flat_map(|counters| values(counters))
        {
            *sums.entry(value).or_default() += count;
        }
        for (value, count) in sums {
            page.counter(name, &[(label, value)], count);
        }
    }

    /// Summaries, which the workers have in buckets.
    fn durations(&self) -> String {
        let mut text = String::new();
        let mut broadcasts = Durations::default();
        let mut commands = BTreeMap::new();
        for counters in self.node.all_counters() {
            counters.broadcasts.add_to(&mut broadcasts);
            counters.commands.add_to(&mut commands);
        }
        let name = "centrifugo_node_broadcast_duration_seconds";
        summary(
            &mut text,
            name,
            &[(
                "type=\"publication\",channel_namespace=\"\"".to_owned(),
                &broadcasts,
            )],
        );
        let labels = |(method, durations): (&&str, _)| {
            (
                format!("method=\"{method}\",channel_namespace=\"\""),
                durations,
            )
        };
        let rows: Vec<_> = commands.iter().map(labels).collect();
        summary(
            &mut text,
            "centrifugo_client_command_duration_seconds",
            &rows,
        );
        let mut calls = Vec::new();
        for (protocol, counted) in &self.calls {
            let mut durations = BTreeMap::new();
            counted.durations.add_to(&mut durations);
            calls.extend(durations.into_iter().map(|(method, durations)| {
                let labels = format!("protocol=\"{protocol}\",method=\"{method}\"");
                (labels, durations)
            }));
        }
        let rows: Vec<_> = calls
            .iter()
            .map(|(labels, durations)| (labels.clone(), durations))
            .collect();
        summary(&mut text, "centrifugo_api_command_duration_seconds", &rows);
        text
    }
}

fn websocket() -> (&'static str, String) {
    ("transport", "websocket".to_owned())
}

/// The label in which Centrifugo can name the namespace.
fn no_namespace() -> (&'static str, String) {
    ("channel_namespace", String::new())
}

/// Writes a summary: quantiles, sum and count for each set of labels.
fn summary(text: &mut String, name: &str, rows: &[(String, &Durations)]) {
    if rows.is_empty() {
        return;
    }
    text.push_str(&format!("# TYPE {name} summary\n"));
    for (labels, durations) in rows {
        for (quantile, thousandths) in [("0.5", 500), ("0.99", 990), ("0.999", 999)] {
            let value = durations.quantile(thousandths).as_secs_f64();
            text.push_str(&format!(
                "{name}{{{labels},quantile=\"{quantile}\"}} {value}\n"
            ));
        }
        text.push_str(&format!(
            "{name}_sum{{{labels}}} {}\n",
            durations.total().as_secs_f64()
        ));
        text.push_str(&format!("{name}_count{{{labels}}} {}\n", durations.count()));
    }
    text.push('\n');
}

fn labelled<K: Copy + PartialEq + Display>(tally: &Tally<K>) -> Vec<(String, u64)> {
    tally
        .values()
        .into_iter()
        .map(|(label, count)| (label.to_string(), count))
        .collect()
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
        self.recorder
            .register_counter(&key(name, labels), &METADATA)
            .absolute(value);
    }

    #[expect(clippy::cast_precision_loss, reason = "gauges are floats on the wire")]
    fn gauge(&self, name: &'static str, labels: &[(&'static str, String)], value: usize) {
        self.recorder
            .register_gauge(&key(name, labels), &METADATA)
            .set(value as f64);
    }

    /// A number with a fraction.
    fn number(&self, name: &'static str, value: f64) {
        self.recorder
            .register_gauge(&key(name, &[]), &METADATA)
            .set(value);
    }

    fn render(&self) -> String {
        self.handle.render()
    }
}

fn key(name: &'static str, labels: &[(&'static str, String)]) -> Key {
    let labels: Vec<Label> = labels
        .iter()
        .map(|(name, value)| Label::new(*name, value.clone()))
        .collect();
    Key::from_parts(KeyName::from_const_str(name), labels)
}
