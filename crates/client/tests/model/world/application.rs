//! What the application of a run does, and what others do.

use std::collections::HashMap;

use veche_client::Data;
use veche_client::machine::{Draft, Now, Request, SubscriptionId};

use super::{HOUR, OWN, World};
use crate::application::Published;
use crate::happening::Happening;
use crate::server::{Item, event_name};

impl World {
    /// The application does something, or reads.
    pub(super) fn act(&mut self) {
        let now = self.clock();
        let reads = self.is_calm || self.rng.u8(..3) > 0;
        if reads {
            self.read(now);
        }
        if !self.is_calm {
            for _ in 0..self.rng.u8(..4) {
                self.publish(now);
            }
            if self.rng.u8(..20) == 0 {
                let call = Request::Call {
                    method: "m".into(),
                    data: None,
                };
                self.machine.request(call, 10_000, now).ok();
            }
        }
        let pause = match self.rng.u8(..100) {
            0 => self.rng.u64(..60_000),
            _ => self.rng.u64(..300),
        };
        self.at(
            if self.is_calm { 10_000 } else { pause },
            Happening::Application,
        );
    }

    pub(super) fn read(&mut self, now: Now) {
        let ids: Vec<SubscriptionId> = self.application.readers.keys().copied().collect();
        for id in ids {
            let reader = self.application.readers.get_mut(&id).expect("declared");
            let (events, bytes) = std::mem::take(&mut reader.unread);
            self.machine.handle_read(id, events, bytes * 2, now);
        }
    }

    pub(super) fn publish(&mut self, now: Now) {
        let number = OWN + self.next_number;
        let channel = *self.rng.choice(&["h1", "h2", "n1"]).expect("three");
        let data = match self.rng.u8(..4) {
            0 => Data::binary(number.to_le_bytes().to_vec()),
            _ => Data::json(&HashMap::from([("n", number)])).expect("JSON"),
        };
        let event = self.rng.bool().then(|| "post".to_owned());
        let draft = Draft {
            channel: channel.into(),
            event,
            data,
            key: None,
        };
        if let Ok(id) = self.machine.publish(draft, now) {
            self.next_number += 1;
            let published = Published {
                channel: channel.into(),
                number,
                since: 0,
            };
            self.application.open.insert(id, published);
        }
    }

    /// Other clients publish.
    pub(super) fn others(&mut self) {
        if self.server.is_up && !self.is_calm {
            for _ in 0..=self.rng.u8(..3) {
                self.next_number += 1;
                let channel = *self.rng.choice(&["h1", "h2", "n1"]).expect("three");
                let event = event_name(self.rng.bool().then_some("post"));
                let item = Item {
                    number: self.next_number,
                    event,
                    is_binary: self.rng.u8(..5) == 0,
                };
                let replies = self.server.publish(channel, item);
                self.send_down(replies);
            }
        }
        let replies = self.server.expire(self.now);
        self.send_down(replies);
        let pause = match self.is_calm || self.now < self.asleep_until {
            true => self.rng.u64(..HOUR / 10),
            false => self.rng.u64(..400),
        };
        self.at(pause, Happening::Others);
    }
}
