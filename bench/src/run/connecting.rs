//! What connections cost: opened, idle, all at once.

use super::{BenchError, Opened, Run};
use crate::process::Process;
use crate::snapshot::Snapshot;
use std::time::Duration;

impl Run<'_> {
    /// Opens all connections and tells what that cost.
    pub(super) fn open(&mut self) -> Result<Opened, BenchError> {
        let memory = self.server.and_then(Process::memory);
        let before = self.snapshot();
        self.generator.open_all()?;
        let after = self.snapshot();
        let connections = self.generator.connections.clone();
        if connections.ready == 0 {
            let notes: Vec<_> = self.generator.desk.ear.notes.keys().cloned().collect();
            return Err(BenchError::NobodyReady(notes.join("; ")));
        }
        let options = self.options;
        let report = &mut self.report;
        report.text("mode", options.mode.name().to_owned(), "");
        report.text("dialect", options.dialect.name().to_owned(), "");
        if let Some(server) = self.server {
            report.count("server_pid", u64::from(server.pid()), "");
        }
        report.count(
            "connections",
            connections.ready as u64,
            "ready: connected, and subscribed where they are to be",
        );
        report.count("connections_failed", connections.failed as u64, "");
        let seconds = after.seconds_since(&before);
        report.number("opening_s", seconds, 3, "until the last of them was ready");
        if let Some(usage) = after.server_since(&before) {
            let thousands = connections.ready as f64 / 1e3;
            report.number(
                "opening_server_ms_per_1000",
                usage.run * 1e3 / thousands,
                2,
                "processor time of the server",
            );
        }
        Ok(Opened {
            before,
            after,
            memory,
        })
    }

    /// Connections that do nothing: memory and processor time of each.
    pub(super) fn be_idle(&mut self, opened: &Opened) -> Result<(), BenchError> {
        self.generator.go_on(SETTLING, |_| false)?;
        self.tell_memory(opened);
        let before = self.snapshot();
        self.generator.go_on(self.options.time, |_| false)?;
        let after = self.snapshot();
        self.tell_idleness(&before, &after);
        self.tell_connecting();
        Ok(())
    }

    /// Connections that all come at once.
    pub(super) fn weather(&mut self, opened: &Opened) -> Result<(), BenchError> {
        if let Some(own) = opened.after.own_since(&opened.before) {
            let seconds = opened.after.seconds_since(&opened.before);
            self.report.number(
                "generator_cores",
                own.run / seconds,
                3,
                "near 1: the generator was the limit",
            );
        }
        self.tell_memory(opened);
        self.tell_connecting();
        Ok(())
    }

    fn tell_memory(&mut self, opened: &Opened) {
        let now = self.server.and_then(Process::memory);
        let (Some(now), Some(then)) = (now, opened.memory) else {
            return;
        };
        let connections = self.generator.connections.ready.max(1) as f64;
        let each = |now: u64, then: u64| (now as f64 - then as f64) / connections;
        let report = &mut self.report;
        report.number(
            "memory_per_connection",
            each(now.rss, then.rss),
            0,
            "resident",
        );
        report.number(
            "memory_per_connection_pss",
            each(now.pss, then.pss),
            0,
            "the same, what is shared divided",
        );
        report.count("memory_before", then.rss, "resident");
        report.count("memory_after", now.rss, "resident");
    }

    fn tell_idleness(&mut self, before: &Snapshot, after: &Snapshot) {
        let seconds = after.seconds_since(before);
        let pings = after.pings - before.pings;
        let report = &mut self.report;
        report.number("seconds", seconds, 2, "");
        report.count("pings", pings, "of the server");
        if let Some(usage) = after.server_since(before) {
            report.number("server_cores", usage.run / seconds, 5, "");
            if pings > 0 {
                report.number(
                    "server_us_per_ping",
                    usage.run * 1e6 / pings as f64,
                    2,
                    "and its pong",
                );
            }
        }
        report.count(
            "connections_ended",
            self.generator.connections.ended as u64,
            "by the server, meanwhile",
        );
    }

    fn tell_connecting(&mut self) {
        let connecting = self.generator.desk.ear.connecting.clone();
        let ms = |per_mille| connecting.quantile(per_mille) as f64 / 1e6;
        let report = &mut self.report;
        report.number(
            "connecting_p50_ms",
            ms(500),
            2,
            "of one, until it is subscribed",
        );
        report.number("connecting_p99_ms", ms(990), 2, "");
        report.number("connecting_max_ms", ms(1000), 2, "");
        report.chart("connecting", "time until subscribed", connecting);
    }
}

/// Until the server has done what it does after a connection was accepted.
const SETTLING: Duration = Duration::from_secs(2);
