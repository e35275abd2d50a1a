//! A channel of the model: positions, history, and what was ever published in it.

use std::collections::{BTreeMap, HashMap};

use serde_json::json;

use super::{Out, What};

/// Publications that a channel's history holds.
const HISTORY: u64 = 60;

/// A channel, with all that was ever published in it.
#[derive(Default)]
pub(crate) struct Stream {
    pub(crate) epoch: String,
    pub(crate) top: u64,
    /// Of each epoch: what was published, in order.
    pub(crate) truth: BTreeMap<String, Vec<Item>>,
    /// Where each number stands.
    pub(super) places: HashMap<u64, Vec<(String, u64)>>,
    pub(super) keys: HashMap<(String, String), (u64, u64)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) number: u64,
    pub(crate) event: &'static str,
    pub(crate) is_binary: bool,
}

impl Stream {
    pub(super) fn position(&self) -> String {
        format!("{}:{}", self.epoch, self.top)
    }

    pub(super) fn append(&mut self, item: Item) {
        self.top += 1;
        let places = self.places.entry(item.number).or_default();
        places.push((self.epoch.clone(), self.top));
        let truth = self.truth.entry(self.epoch.clone()).or_default();
        truth.push(item);
    }

    /// How often a number stands in the epoch in which it stands most often.
    pub(crate) fn count(&self, number: u64) -> usize {
        let places = self.places.get(&number).map_or(&[][..], Vec::as_slice);
        let same = |epoch| places.iter().filter(|(other, _)| other == epoch).count();
        places
            .iter()
            .map(|(epoch, _)| same(epoch))
            .max()
            .unwrap_or_default()
    }

    /// The offset of a number in an epoch.
    pub(crate) fn offset(&self, number: u64, epoch: &str) -> Option<u64> {
        let places = self.places.get(&number)?;
        let place = places.iter().find(|(other, _)| other == epoch);
        place.map(|(_, offset)| *offset)
    }

    pub(super) fn item(&self, offset: u64) -> &Item {
        let index = usize::try_from(offset - 1).expect("it is small");
        &self.truth[&self.epoch][index]
    }

    /// The first publication that follows the answer, and what the answer says.
    pub(super) fn recover(&self, since: Option<&str>, history: u64) -> (u64, What) {
        let trimmed = self.top.saturating_sub(HISTORY);
        let fresh = self.top - history.min(self.top - trimmed) + 1;
        let Some(since) = since else {
            return (fresh, What::Fresh);
        };
        let (epoch, offset) = since.rsplit_once(':').expect("a position");
        let offset: u64 = offset.parse().expect("an offset");
        if epoch == self.epoch && (trimmed..=self.top).contains(&offset) {
            (offset + 1, What::Recovered)
        } else {
            (fresh, What::Unrecoverable)
        }
    }

    /// A publication as it is delivered.
    pub(super) fn frames(&self, channel: &str, offset: u64) -> Vec<Out> {
        let item = self.item(offset);
        let mut frame = json!({"event": item.event, "channel": channel});
        if !channel.starts_with('n') {
            frame["id"] = format!("{}:{offset}", self.epoch).into();
        }
        if item.is_binary {
            frame["binary"] = true.into();
            frame["size"] = 8.into();
            let bytes = item.number.to_le_bytes().to_vec();
            vec![Out::Text(frame.to_string()), Out::Binary(bytes)]
        } else {
            frame["data"] = json!({"n": item.number});
            vec![Out::Text(frame.to_string())]
        }
    }
}
