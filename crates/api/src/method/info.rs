//! `info`: which nodes are running, and how much they have.

use std::sync::Arc;

use veche_protocol::error_code::CommandError;

use super::{Command, InJson};
use crate::backend::{Backend, NodeInfo, NodeMetrics};
use crate::json::{self, ObjectWriter};
use crate::request::{Malformed, Object};

/// `info`.
pub(crate) struct Info;

impl Command for Info {
    const NAME: &'static str = "info";
    type Output = Vec<NodeInfo>;

    async fn run(self, backend: &Arc<dyn Backend>) -> Result<Vec<NodeInfo>, CommandError> {
        backend.info().await
    }
}

impl InJson for Info {
    fn read(_params: &Object<'_>) -> Result<Self, Malformed> {
        Ok(Self)
    }

    fn write(nodes: &Vec<NodeInfo>) -> Vec<u8> {
        if nodes.is_empty() {
            return json::nothing();
        }
        let nodes = json::list(nodes.iter().map(node));
        ObjectWriter::new().raw("nodes", &nodes).end()
    }
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
