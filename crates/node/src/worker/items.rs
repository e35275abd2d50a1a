//! What came into the inbox, and what the worker does about it.

use std::mem;
use std::time::Instant;

use smallvec::SmallVec;
use veche_engine::control::Addressees;
use veche_protocol::channel::Channel;
use veche_protocol::position::StreamPosition;
use veche_session::order::Order;
use veche_session::question::{Answer, Ask};

use super::Worker;
use super::listing::Lists;
use crate::fanout::{Event, EventBody};
use crate::hub::Aftermath;
use crate::inbox::{ConnectionKey, Item};
use crate::inquiry::Inquiry;

impl Worker {
    /// Handles all that has come into the inbox, in order.
    pub(super) fn handle_inbox(&mut self) {
        let mut items = mem::take(&mut self.buffers.items);
        let bytes = self.context.inbox().take(&mut items);
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
        self.context.inbox().finished(finished);
        self.buffers.items = items;
    }

    fn report_dropped(&mut self, items: &[Item]) {
        let dropped = self.context.inbox().take_dropped();
        if dropped > 0 {
            let channel = items.iter().find_map(|item| match item {
                Item::Gap(channel) => Some(channel),
                _ => None,
            });
            self.positions
                .report_dropped(dropped, channel, &self.context);
        }
    }

    fn handle_item(&mut self, item: Item) {
        match item {
            Item::Deliver(event) => self.deliver(&event),
            Item::Gap(channel) => {
                let mut aftermath = mem::take(&mut self.buffers.aftermath);
                self.hub.gap(&channel, &mut aftermath);
                self.settle(None, &channel, aftermath);
            }
            Item::Doubt(channel) => self.positions.doubt(&channel, self.context.monotonic()),
            Item::DoubtEverywhere => self.positions.doubt_all(),
            Item::Entered {
                channel,
                result,
                waiting,
            } => {
                for (connection, ask) in waiting {
                    if result.is_ok() && self.connections.is_alive(connection) {
                        self.hub
                            .entered(&channel, connection.slot, &mut self.connections);
                    }
                    self.answer(connection, ask, Answer::Done(result));
                }
            }
            Item::Answer {
                connection,
                ask,
                answer,
            } => {
                self.calls.finish(connection, ask);
                self.answer(connection, ask, answer);
            }
            Item::Order {
                addressees,
                order,
                done,
            } => {
                let count = self.order(&addressees, &order);
                self.notices.finish_order(done, count);
            }
            Item::Inquiry(inquiry) => self.inquire(&inquiry),
            Item::Input {
                slot,
                session,
                message,
            } => self.received_apart(slot, &session, &message),
            Item::Accepted { link, role } => self.adopt(link, role),
            Item::Upgraded { handover, opening } => self.upgraded(handover, *opening),
            Item::Compared(compared) => self.positions.handle_compared(compared, &self.context),
            Item::Rules(rules) => self.context.set_rules(rules),
            Item::StopAccepting => self.stop_accepting(),
            Item::Stop => self.stop(),
        }
    }

    /// Publications of a channel after a position did not come.
    pub(crate) fn lose(&mut self, channel: &Channel, stood: &StreamPosition) {
        let mut aftermath = mem::take(&mut self.buffers.aftermath);
        self.hub.lose(channel, stood, &mut aftermath);
        self.settle(None, channel, aftermath);
    }

    /// Treats a publication that comes too late as lost, for subscribers that watch their position.
    fn check_lag(&mut self, event: &Event) {
        let limit = self.context.rules().client.position_max_time_lag;
        if limit.is_zero() {
            return;
        }
        let Some((_, published_ms)) = event.placed() else {
            return;
        };
        let lag_ms = self.context.now().unix_ms.saturating_sub(published_ms);
        if published_ms > 0 && u128::try_from(lag_ms).is_ok_and(|lag| lag > limit.as_millis()) {
            let mut aftermath = mem::take(&mut self.buffers.aftermath);
            self.hub.lag(event, &mut aftermath);
            self.settle(None, &event.channel, aftermath);
        }
    }

    fn deliver(&mut self, event: &Event) {
        let began = Instant::now();
        self.check_lag(event);
        let mut aftermath = mem::take(&mut self.buffers.aftermath);
        self.hub.deliver(
            event,
            &mut self.outboxes,
            self.sender.encoder_mut(),
            &mut self.connections,
            &mut aftermath,
        );
        self.context.counters().broadcasts.add(began.elapsed());
        match &event.body {
            EventBody::Publication(_) => self
                .context
                .counters()
                .publications_sent
                .add(aftermath.delivered),
            EventBody::Join(_) => self.context.counters().joins_sent.add(aftermath.delivered),
            EventBody::Leave(_) => self.context.counters().leaves_sent.add(aftermath.delivered),
        }
        if aftermath.making.is_empty() && aftermath.gap.is_empty() {
            aftermath.delivered = 0;
            self.buffers.aftermath = aftermath;
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
                if self.connections.session(slot).is_some() {
                    self.contracts.deliver(slot, channel);
                }
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
        self.buffers.aftermath = aftermath;
    }

    pub(super) fn answer(&mut self, key: ConnectionKey, ask: Ask, answer: Answer) {
        if self.connections.is_alive(key) {
            if self.connections.session(key.slot).is_some() {
                self.contracts.answer(key.slot, ask, &answer);
            }
            self.with_session(key.slot, |session, turn, effects| {
                session.handle_answer(ask, answer, turn, effects)
            });
        }
    }

    fn order(&mut self, addressees: &Addressees, order: &Order) -> usize {
        let slots: SmallVec<[u32; 2]> = if addressees.all_users {
            self.clients.slots().collect()
        } else {
            self.clients.slots_of(&addressees.user).into()
        };
        let mut count = 0;
        for slot in slots {
            let is_meant = self.connections.session(slot).is_some_and(|session| {
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
                // The caller may have gone.
                let _ = reply.send(());
            }
            Inquiry::Connections {
                wanted,
                from,
                limit,
                reply,
            } => {
                // As above.
                let _ = reply.send(self.lists().connections(wanted, *from, *limit));
            }
            Inquiry::Users(names, limit, reply) => {
                // As above.
                let _ = reply.send(self.lists().users(names, *limit));
            }
            Inquiry::Channels(names, limit, reply) => {
                // As above.
                let _ = reply.send(self.lists().channels(names, *limit));
            }
        }
    }

    /// What can be listed.
    pub(super) fn lists(&self) -> Lists<'_> {
        Lists {
            connections: &self.connections,
            clients: &self.clients,
            hub: &self.hub,
        }
    }
}
