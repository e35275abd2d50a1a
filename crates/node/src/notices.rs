//! What sessions let the world know: calls to the engine whose answers nobody waits for.
//!
//! The calls for one client are made in the order in which its session told of them, and the engine keeps that order for
//! each channel. So what a client does last is what stays, also where the engine answers late: its removal from presence
//! comes after its addition, and its leave after its join.

use veche_engine::control::Addressees;
use veche_engine::error::EngineError;
use veche_engine::pending::Pending;
use veche_protocol::disconnect::Disconnect;
use veche_session::order::Order;
use veche_session::question::Notice;

use crate::node::Node;
use crate::worker::Worker;

impl Worker {
    /// Lets the world know something.
    pub(crate) fn tell(&mut self, slot: u32, notice: Notice) {
        let node = self.node.clone();
        let engine = node.engine();
        match notice {
            Notice::Connected { user, .. } => self.remember_user(slot, user),
            Notice::EndOthers { client, user } => {
                let addressees = Addressees {
                    user,
                    except: vec![client],
                    ..Addressees::default()
                };
                let order = Order::Disconnect(Disconnect::CONNECTION_LIMIT);
                node.tell_others(&addressees, &order);
                drop(node.send_order(&addressees, &order));
            }
            Notice::KeepPresence { channel, info } => {
                node.see_through(
                    "keep presence",
                    engine
                        .presence
                        .add(&channel, &info, node.config().presence_ttl),
                );
            }
            Notice::RemovePresence {
                channel,
                client,
                user,
            } => {
                node.see_through(
                    "remove presence",
                    engine.presence.remove(&channel, client, &user),
                );
            }
            Notice::Join { channel, info } => {
                node.see_through("tell a join", engine.broker.publish_join(&channel, info))
            }
            Notice::Leave { channel, info } => {
                node.see_through("tell a leave", engine.broker.publish_leave(&channel, info));
            }
            Notice::Refused(refused) => self.refusal_log.tell(&refused, self.now.monotonic),
        }
    }
}

impl Node {
    /// Sees something through that nobody waits for.
    pub(crate) fn see_through(
        &self,
        what: &'static str,
        pending: Pending<Result<(), EngineError>>,
    ) {
        match pending {
            Pending::Ready(Ok(())) => {}
            Pending::Ready(Err(error)) => self.engine_log().report(what, &error),
            Pending::Later(future) => {
                let log = self.engine_log().clone();
                self.tasks().spawn(async move {
                    if let Err(error) = future.await {
                        log.report(what, &error);
                    }
                });
            }
        }
    }
}
