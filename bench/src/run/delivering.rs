//! What deliveries cost, and whether they arrive; with and without readers that are too slow.

use std::time::Duration;

use super::{BenchError, Run};
use crate::histogram::Histogram;
use crate::process::Process;
use crate::snapshot::Snapshot;

impl Run<'_> {
    /// Publishes, after a warm-up, and tells what came of it.
    pub(super) fn deliver(&mut self) -> Result<(), BenchError> {
        self.generator.start_publishing()?;
        self.generator.go_on(self.options.warmup, |generator| {
            generator.publishing.is_done()
        })?;
        let before = self.begin_latency();
        self.generator.go_on(self.options.time, |generator| {
            generator.publishing.is_done()
        })?;
        let last_published = self.snapshot();
        self.generator.drain()?;
        let after = self.snapshot();
        let latency = self.take_latency();
        self.tell("", &before, &last_published, &after, &latency);
        self.tell_faults();
        if let Some(rss) = self.server.and_then(Process::rss) {
            self.report.count("memory", rss, "resident");
        }
        self.report
            .chart("latency", "latency of a delivery", latency);
        Ok(())
    }

    /// Publishes, lets some stop reading, and tells what the others and the server notice.
    pub(super) fn be_slow(&mut self) -> Result<(), BenchError> {
        let time = self.options.time;
        self.generator.start_publishing()?;
        self.generator.go_on(self.options.warmup, |_| false)?;
        let before = self.begin_latency();
        let peak_before = self.watch_memory(time, |_| {})?;
        let between = self.snapshot();
        let base = self.take_latency();
        self.tell("before_", &before, &between, &between, &base);

        self.generator.set_slow(false)?;
        let open = self.server.and_then(Process::descriptors);
        let began = self.generator.now();
        let slow = usize::try_from(self.options.slow).unwrap_or_default();
        let mut closed_after = None;
        let peak = self.watch_memory(time, |run| {
            let now = run.server.and_then(Process::descriptors);
            if closed_after.is_none() && now.zip(open).is_some_and(|(now, open)| now + slow <= open)
            {
                closed_after = Some(run.generator.now() - began);
            }
        })?;
        let after = self.snapshot();
        let meanwhile = self.take_latency();
        self.tell("while_", &between, &after, &after, &meanwhile);

        self.generator.drain()?;
        self.generator.set_slow(true)?;
        // Closed, or caught up.
        self.generator.go_on(RESUMING, |generator| {
            generator.connections.slow_ended >= slow || generator.lost().by_slow == 0
        })?;
        self.tell_slow(peak_before, peak, closed_after);
        self.tell_faults();
        self.report.chart(
            "latency",
            "latency of a delivery to the others, meanwhile",
            meanwhile,
        );
        Ok(())
    }

    fn begin_latency(&mut self) -> Snapshot {
        self.generator.desk.ear.latency = Histogram::default();
        self.snapshot()
    }

    fn take_latency(&mut self) -> Histogram {
        std::mem::take(&mut self.generator.desk.ear.latency)
    }

    /// Goes on for `time`; the most resident memory of the server that was seen.
    fn watch_memory(
        &mut self,
        time: Duration,
        mut look: impl FnMut(&Self),
    ) -> Result<Option<u64>, BenchError> {
        let mut peak = None;
        let end = self.generator.now() + crate::clock::nanos(time);
        while self.generator.now() < end {
            let rest = Duration::from_nanos(end - self.generator.now());
            self.generator.go_on(rest.min(LOOK_EVERY), |_| false)?;
            peak = peak.max(self.server.and_then(Process::rss));
            look(self);
        }
        Ok(peak)
    }

    /// Figures of the time from `before`: publications until `published`, deliveries until `after`.
    fn tell(
        &mut self,
        prefix: &str,
        before: &Snapshot,
        published: &Snapshot,
        after: &Snapshot,
        latency: &Histogram,
    ) {
        let key = |name: &str| format!("{prefix}{name}");
        let report = &mut self.report;
        let seconds = published.seconds_since(before);
        let publications = published.publications - before.publications;
        let deliveries = after.deliveries - before.deliveries;
        let in_time = published.deliveries - before.deliveries;
        report.number(key("seconds"), seconds, 2, "");
        report.count(key("publications"), publications, "");
        report.number(
            key("publications_per_s"),
            publications as f64 / seconds,
            1,
            "",
        );
        report.count(key("deliveries"), deliveries, "");
        report.number(key("deliveries_per_s"), in_time as f64 / seconds, 0, "");
        let frames = after.frames - before.frames;
        report.number(
            key("deliveries_per_frame"),
            deliveries as f64 / frames.max(1) as f64,
            2,
            "replies are frames too",
        );
        let us = |per_mille| latency.quantile(per_mille) as f64 / 1e3;
        report.number(
            key("latency_p50_us"),
            us(500),
            1,
            "from publishing to delivery",
        );
        report.number(key("latency_p90_us"), us(900), 1, "");
        report.number(key("latency_p99_us"), us(990), 1, "");
        report.number(key("latency_p999_us"), us(999), 1, "");
        report.number(key("latency_max_us"), us(1000), 1, "");
        report.number(key("latency_mean_us"), latency.mean() as f64 / 1e3, 1, "");
        let all_seconds = after.seconds_since(before);
        let each = 1e6 / deliveries.max(1) as f64;
        if let Some(usage) = after.server_since(before) {
            report.number(
                key("server_us_per_delivery"),
                usage.run * each,
                4,
                "processor time of the server, as the scheduler counts",
            );
            report.number(
                key("server_user_us_per_delivery"),
                usage.user * each,
                4,
                "its own code, counted in ticks of 10 ms",
            );
            report.number(
                key("server_system_us_per_delivery"),
                usage.system * each,
                4,
                "the system for it, in ticks of 10 ms",
            );
            report.number(key("server_cores"), usage.total() / all_seconds, 3, "");
        }
        if let Some(usage) = after.own_since(before) {
            report.number(key("generator_us_per_delivery"), usage.run * each, 4, "");
            report.number(
                key("generator_cores"),
                usage.run / all_seconds,
                3,
                "near 1: the generator was the limit",
            );
        }
    }

    fn tell_faults(&mut self) {
        let lost = self.generator.lost();
        let ear = &self.generator.desk.ear;
        let report = &mut self.report;
        report.count("lost", lost.by_readers, "published, never delivered");
        report.count("doubled", ear.faults.doubled, "delivered again");
        report.count(
            "disordered",
            ear.faults.disordered,
            "delivered after a later one of its publisher",
        );
        report.count(
            "misrouted",
            ear.faults.misrouted,
            "delivered to a client that is not in the channel",
        );
        report.count("publications_answered", ear.published, "");
        report.count("publications_refused", ear.refused, "");
        report.count(
            "connections_ended",
            self.generator.connections.ended as u64,
            "by the server, meanwhile",
        );
    }

    fn tell_slow(
        &mut self,
        peak_before: Option<u64>,
        peak: Option<u64>,
        closed_after_ns: Option<u64>,
    ) {
        let lost = self.generator.lost();
        let connections = self.generator.connections.clone();
        let report = &mut self.report;
        if let Some((before, after)) = peak_before.zip(peak) {
            report.count("memory_before", before, "resident, at most");
            report.count("memory_while", after, "resident, at most");
            let growth = (after as f64 - before as f64) / f64::from(self.options.slow);
            report.number("memory_per_slow", growth, 0, "resident");
        }
        if let Some(nanos) = closed_after_ns {
            report.number(
                "slow_closed_after_s",
                nanos as f64 / 1e9,
                2,
                "since they stopped reading",
            );
        }
        report.count(
            "slow_closed",
            connections.slow_ended as u64,
            "of those that stopped reading, in the end",
        );
        let codes: Vec<_> = connections.codes.keys().map(u16::to_string).collect();
        report.text(
            "close_codes",
            codes.join(" "),
            "that anybody was closed with",
        );
        report.count("slow_received", self.generator.desk.ear.slow_deliveries, "");
        report.count("slow_missing", lost.by_slow, "never delivered to them");
    }
}

/// How long the slow may take to read what was kept for them.
const RESUMING: Duration = Duration::from_secs(3);
const LOOK_EVERY: Duration = Duration::from_millis(100);
