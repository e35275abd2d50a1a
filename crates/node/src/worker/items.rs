//! What came into the inbox, and what the worker does about it.

use std::mem;
use std::time::Instant;

use smallvec::SmallVec;
use veche_engine::control::Addressees;
use veche_protocol::channel::Channel;
use veche_protocol::position::StreamPosition;
use veche_session::order::Order;
use veche_session::question::{Answer, Ask};

use super::{Slots, Worker};
use crate::fanout::{Event, EventBody};
use crate::hub::Aftermath;
use crate::inbox::{ConnectionKey, Item};
use crate::inquiry::Inquiry;

impl Worker {
    pub(super) fn take_inbox(&mut self) {
        let mut items = mem::take(&mut self.items);
        let node = self.node.clone();
        let bytes = node.inbox(self.index).take(&mut items);
        self.report_dropped(&items);
        let mut finished = 0;
        for item in items.drain(..) {
            if let Item::Deliver(event) = &item {
                finished += event.weight();
            }
            self.handle_item(item);
        }
        debug_assert!(
            finished <= bytes,
            "deliveries weigh what they were counted as"
        );
        node.inbox(self.index).finished(finished);
        self.items = items;
    }

    fn report_dropped(&mut self, items: &[Item]) {
        let dropped = self.node.inbox(self.index).take_dropped();
        if dropped > 0 {
            let channel = items.iter().find_map(|item| match item {
                Item::Gap(channel) => Some(channel),
                _ => None,
            });
            let now = self.now.monotonic;
            self.loss_log
                .report_dropped(dropped, channel, self.index, now);
        }
    }

    fn handle_item(&mut self, item: Item) {
        match item {
            Item::Deliver(event) => self.deliver(&event),
            Item::Gap(channel) => {
                let mut aftermath = mem::take(&mut self.aftermath);
                self.hub.gap(&channel, &mut aftermath);
                self.settle(None, &channel, aftermath);
            }
            Item::Doubt(channel) => self.doubts.doubt(&channel, self.now.monotonic),
            Item::DoubtEverywhere => self.doubts.doubt_all(),
            Item::Entered {
                channel,
                result,
                waiting,
            } => {
                for (connection, ask) in waiting {
                    if result.is_ok() && self.is_alive(connection) {
                        let mut connections = Slots(&mut self.connections);
                        self.hub
                            .entered(&channel, connection.slot, &mut connections);
                    }
                    self.answer(connection, ask, Answer::Done(result));
                }
            }
            Item::Answer {
                connection,
                ask,
                answer,
            } => self.answer(connection, ask, answer),
            Item::Order {
                addressees,
                order,
                done,
            } => {
                let count = self.order(&addressees, &order);
                if self.farewells.is_empty() {
                    // Whoever asked may have gone.
                    let _ = done.send(count);
                } else {
                    self.farewells.done.push((done, count));
                }
            }
            Item::Inquiry(inquiry) => self.inquire(&inquiry),
            Item::Input {
                slot,
                session,
                message,
            } => self.received_apart(slot, &session, &message),
            Item::Accepted { link, role } => self.adopt(link, role),
            Item::Upgraded { handover, opening } => self.upgraded(handover, *opening),
            Item::Compared(compared) => self.take_compared(compared),
            Item::Rules(rules) => self.rules = rules,
            Item::StopAccepting => self.stop_accepting(),
            Item::Stop => self.stop(),
        }
    }

    /// Publications of a channel after a position did not come.
    pub(crate) fn lose(&mut self, channel: &Channel, stood: &StreamPosition) {
        let mut aftermath = mem::take(&mut self.aftermath);
        self.hub.lose(channel, stood, &mut aftermath);
        self.settle(None, channel, aftermath);
    }

    /// A publication that comes too late is a loss to whoever watches the position.
    fn check_lag(&mut self, event: &Event) {
        let limit = self.rules.client.position_max_time_lag;
        if limit.is_zero() {
            return;
        }
        let Some((_, published_ms)) = event.placed() else {
            return;
        };
        let lag_ms = self.now.unix_ms.saturating_sub(published_ms);
        if published_ms > 0 && u128::try_from(lag_ms).is_ok_and(|lag| lag > limit.as_millis()) {
            let mut aftermath = mem::take(&mut self.aftermath);
            self.hub.lag(event, &mut aftermath);
            self.settle(None, &event.channel, aftermath);
        }
    }

    fn deliver(&mut self, event: &Event) {
        let began = Instant::now();
        self.check_lag(event);
        let mut aftermath = mem::take(&mut self.aftermath);
        self.hub.deliver(
            event,
            &mut self.outboxes,
            &mut self.encoder,
            &mut Slots(&mut self.connections),
            &mut aftermath,
        );
        self.counters.broadcasts.add(began.elapsed());
        match &event.body {
            EventBody::Publication(_) => self.counters.publications_sent.add(aftermath.delivered),
            EventBody::Join(_) => self.counters.joins_sent.add(aftermath.delivered),
            EventBody::Leave(_) => self.counters.leaves_sent.add(aftermath.delivered),
        }
        if aftermath.making.is_empty() && aftermath.gap.is_empty() {
            aftermath.delivered = 0;
            self.aftermath = aftermath;
        } else {
            self.settle(Some(event), &event.channel, aftermath);
        }
    }

    /// What the hub left to sessions.
    fn settle(&mut self, event: Option<&Event>, channel: &Channel, mut aftermath: Aftermath) {
        if let Some(Event {
            body: EventBody::Publication(delivery),
            ..
        }) = event
        {
            for slot in aftermath.making.drain(..) {
                self.with_session(slot, |session, turn, effects| {
                    session.handle_delivery(
                        channel,
                        delivery.publication.clone(),
                        &delivery.epoch,
                        turn,
                        effects,
                    );
                });
            }
        }
        for slot in aftermath.gap.drain(..) {
            let order = Order::InsufficientState {
                channel: channel.clone(),
            };
            self.with_session(slot, |session, turn, effects| {
                session.handle_order(order, turn, effects)
            });
        }
        aftermath.delivered = 0;
        self.aftermath = aftermath;
    }

    fn answer(&mut self, key: ConnectionKey, ask: Ask, answer: Answer) {
        if self.is_alive(key) {
            self.with_session(key.slot, |session, turn, effects| {
                session.handle_answer(ask, answer, turn, effects)
            });
        }
    }

    fn order(&mut self, addressees: &Addressees, order: &Order) -> usize {
        let slots: SmallVec<[u32; 2]> = if addressees.all_users {
            self.users.values().flatten().copied().collect()
        } else {
            let slots = self.users.get(&addressees.user);
            slots.cloned().unwrap_or_default()
        };
        let mut count = 0;
        for slot in slots {
            let is_meant = self.session(slot).is_some_and(|session| {
                let emulation = session.emulation().map(|it| &*it.session);
                addressees.include(session.client(), emulation)
            });
            if is_meant {
                count += 1;
                self.with_session(slot, |session, turn, effects| {
                    session.handle_order(order.clone(), turn, effects)
                });
            }
        }
        count
    }

    fn inquire(&self, inquiry: &Inquiry) {
        match inquiry {
            Inquiry::SignOfLife(reply) => {
                // Whoever asked may have gone.
                let _ = reply.send(());
            }
            Inquiry::Connections {
                wanted,
                from,
                limit,
                reply,
            } => {
                // As above.
                let _ = reply.send(self.list_connections(wanted, *from, *limit));
            }
            Inquiry::Users(names, limit, reply) => {
                // As above.
                let _ = reply.send(self.list_users(names, *limit));
            }
            Inquiry::Channels(names, limit, reply) => {
                // As above.
                let _ = reply.send(self.list_channels(names, *limit));
            }
        }
    }
}
