//! Orders of this node for clients of other nodes, and orders of other nodes for clients of this one.

use veche_engine::control::{self, Addressees, Demand, Message, Recipient};
use veche_protocol::error_code::CommandError;
use veche_protocol::push::Unsubscribe;
use veche_session::order::Order;

use super::unreachable;
use crate::node::Node;

impl Node {
    /// Sends an order to the other nodes, and waits until it has left.
    ///
    /// # Errors
    /// 100 where they can't be reached: then nothing is done anywhere.
    pub(crate) async fn order_others(
        &self,
        addressees: &Addressees,
        order: &Order,
    ) -> Result<(), CommandError> {
        let Some(cluster) = self.cluster() else {
            return Ok(());
        };
        let Some(demand) = self.demand(order) else {
            return Ok(());
        };
        let message = message(addressees, demand);
        let sent = cluster.controller.send(Recipient::All, message);
        sent.wait().await.map_err(|error| unreachable(&error))
    }

    /// Sends an order to the other nodes that nobody waits for.
    pub(crate) fn tell_others(&self, addressees: &Addressees, order: &Order) {
        if let Some(demand) = self.demand(order) {
            self.send_to(Recipient::All, message(addressees, demand));
        }
    }

    /// Gives an order of another node to the clients of this one.
    pub(super) fn apply_order(&self, order: control::Order) {
        let control::Order { addressees, demand } = order;
        // The sender does not ask how many clients it reached.
        drop(self.send_order(&addressees, &received(demand)));
    }

    /// An order as it is sent: with everything that depends on the configuration. `None` where it is for this node alone.
    fn demand(&self, order: &Order) -> Option<Demand> {
        let demand = match order.clone() {
            Order::Disconnect(disconnect) => Demand::Disconnect(disconnect),
            Order::Unsubscribe { channel, reason } => Demand::Unsubscribe {
                channel,
                code: reason.code,
                reason: reason.reason.into(),
            },
            Order::Subscribe {
                channel,
                mut options,
                recover_since,
            } => {
                let rules = self.rules();
                let resolved = rules.resolve(channel.as_str())?;
                let wish = &mut options.overrides;
                wish.presence.get_or_insert(resolved.options.presence);
                wish.join_leave.get_or_insert(resolved.options.join_leave);
                (wish.force_push_join_leave).get_or_insert(resolved.options.force_push_join_leave);
                wish.force_recovery
                    .get_or_insert(resolved.options.force_recovery);
                (wish.force_positioning).get_or_insert(resolved.options.force_positioning);
                Demand::Subscribe {
                    channel,
                    options,
                    recover_since,
                }
            }
            Order::Refresh {
                expired,
                expire_at,
                info,
            } => Demand::Refresh {
                expired,
                expire_at,
                info,
            },
            Order::Message(_) | Order::InsufficientState { .. } => return None,
        };
        Some(demand)
    }
}

fn message(addressees: &Addressees, demand: Demand) -> Message {
    Message::Order(Box::new(control::Order {
        addressees: addressees.clone(),
        demand,
    }))
}

/// The order of a session that another node's demand is.
fn received(demand: Demand) -> Order {
    match demand {
        Demand::Disconnect(disconnect) => Order::Disconnect(disconnect),
        Demand::Unsubscribe { channel, code, .. } => {
            // A session has one reason for each code; the sender's words are not used.
            let known = [
                Unsubscribe::SERVER,
                Unsubscribe::INSUFFICIENT_STATE,
                Unsubscribe::EXPIRED,
            ];
            let reason = known.into_iter().find(|reason| reason.code == code);
            Order::Unsubscribe {
                channel,
                reason: reason.unwrap_or(Unsubscribe {
                    code,
                    ..Unsubscribe::SERVER
                }),
            }
        }
        Demand::Subscribe {
            channel,
            options,
            recover_since,
        } => Order::Subscribe {
            channel,
            options,
            recover_since,
        },
        Demand::Refresh {
            expired,
            expire_at,
            info,
        } => Order::Refresh {
            expired,
            expire_at,
            info,
        },
    }
}
