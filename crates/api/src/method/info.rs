//! `info`: which nodes are running, and how much they have.

use super::{Run, run};
use crate::backend::{NodeInfo, NodeMetrics};
use crate::json::{self, ObjectWriter};
use crate::request::{Malformed, Object};

#[expect(
    clippy::unnecessary_wraps,
    reason = "the other methods have parameters that can be malformed"
)]
pub(super) fn parse(_params: &Object<'_>) -> Result<Run, Malformed> {
    Ok(run(|backend| async move {
        let nodes = backend.info().await?;
        if nodes.is_empty() {
            return super::done();
        }
        let nodes = json::list(nodes.iter().map(node));
        Ok(ObjectWriter::new().raw("nodes", &nodes).end())
    }))
}

fn node(node: &NodeInfo) -> Vec<u8> {
    let mut writer = ObjectWriter::new()
        .string("uid", &node.uid)
        .string("name", &node.name)
        .string("version", &node.version)
        .number("num_clients", node.num_clients)
        .number("num_users", node.num_users)
        .number("num_channels", node.num_channels)
        .some_number("uptime", node.uptime.as_secs());
    if let Some(counted) = &node.metrics {
        writer = writer.raw("metrics", &metrics(counted));
    }
    writer.number("num_subs", node.num_subs).end()
}

fn metrics(metrics: &NodeMetrics) -> Vec<u8> {
    let items = metrics.items.iter();
    let items = items.map(|(name, value)| (name.clone(), json::decimal(*value)));
    ObjectWriter::new()
        .raw("interval", &json::decimal(metrics.interval.as_secs_f64()))
        .raw("items", &json::map(items))
        .end()
}
