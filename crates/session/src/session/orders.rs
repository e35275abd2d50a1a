//! Handles orders: from the API, from another node, or from the hub.

use veche_protocol::disconnect::Disconnect;
use veche_protocol::push::{self, Push};

use super::Session;
use super::phase::Phase;
use crate::effect::{Effect, Effects};
use crate::order::Order;
use crate::turn::Turn;

impl Session {
    /// Handles an order of the API, of another node or of the hub.
    pub fn handle_order(&mut self, order: Order, turn: &Turn<'_>, effects: &mut Effects) {
        match (&mut self.phase, order) {
            (Phase::Closed, _) => {}
            (_, Order::Disconnect(disconnect)) => self.close(disconnect, effects),
            (_, Order::InsufficientState { channel }) => {
                self.lose_state(&channel, effects);
            }
            (Phase::New | Phase::Refused, _) => {}
            (Phase::Connecting(connecting), order) => connecting.keep(order),
            (Phase::Connected, Order::Unsubscribe { channel, reason }) => {
                self.apply_unsubscribe(channel, reason, turn, effects);
            }
            (
                Phase::Connected,
                Order::Subscribe {
                    channel,
                    options,
                    recover_since,
                },
            ) => self.apply_subscribe(channel, options, recover_since, turn, effects),
            (
                Phase::Connected,
                Order::Refresh {
                    expired,
                    expire_at,
                    info,
                },
            ) => {
                if expired {
                    self.close(Disconnect::EXPIRED, effects);
                } else {
                    self.apply_refresh(expire_at, info, turn, effects);
                }
            }
            (Phase::Connected, Order::Message(data)) => {
                effects.push(Effect::Push(Push::connection(push::Body::Message(data))));
            }
        }
    }
}
