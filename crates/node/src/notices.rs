//! What sessions let the world know: calls to the engine whose answers nobody waits for.
//!
//! The calls for one client are made in the order in which its session told of them, and the engine keeps that order for
//! each channel. So what a client does last is what stays, also where the engine answers late: its removal from presence
//! comes after its addition, and its leave after its join.

use std::mem;

use tokio::sync::mpsc;
use veche_engine::control::Addressees;
use veche_engine::error::EngineError;
use veche_engine::pending::Pending;
use veche_protocol::disconnect::Disconnect;
use veche_session::order::Order;
use veche_session::question::Notice;

use crate::context::Context;
use crate::node::Node;
use crate::refusal_log::RefusalLog;

/// The notices of one worker's sessions.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    refusal_log: RefusalLog,
    /// About clients that are gone: the engine is told when their close frames are written.
    postponed: Vec<Notice>,
    /// Who ordered that clients go, and how many went: told when the engine knows of it, so that whoever asks it next
    /// finds them gone.
    orders: Vec<(mpsc::UnboundedSender<usize>, usize)>,
}

impl Notices {
    /// Lets the world know something.
    pub(crate) fn tell(&mut self, notice: Notice, context: &Context) {
        let node = context.node();
        let engine = node.engine();
        match notice {
            // The worker counts its clients itself.
            Notice::Connected { .. } => {}
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
                let ttl = node.config().presence_ttl;
                let kept = engine.presence.add(&channel, &info, ttl);
                node.see_through("keep presence", kept);
            }
            Notice::RemovePresence {
                channel,
                client,
                user,
            } => {
                let removed = engine.presence.remove(&channel, client, &user);
                node.see_through("remove presence", removed);
            }
            Notice::Join { channel, info } => {
                node.see_through("tell a join", engine.broker.publish_join(&channel, info));
            }
            Notice::Leave { channel, info } => {
                node.see_through("tell a leave", engine.broker.publish_leave(&channel, info));
            }
            Notice::Refused(refused) => self.refusal_log.tell(&refused, context.monotonic()),
        }
    }

    /// Lets the world know something about a client whose session is over. What asks the engine waits until the turn has
    /// written: the end of a connection must not wait for the engine, however slow it is.
    pub(crate) fn tell_of_the_gone(&mut self, notice: Notice, context: &Context) {
        match notice {
            Notice::RemovePresence { .. } | Notice::Leave { .. } => self.postponed.push(notice),
            notice => self.tell(notice, context),
        }
    }

    /// An order was carried out by so many sessions. Whoever gave it is told when the engine knows of those that went.
    pub(crate) fn finish_order(&mut self, done: mpsc::UnboundedSender<usize>, count: usize) {
        if self.has_postponed() {
            self.orders.push((done, count));
        } else {
            // Whoever asked may have gone.
            let _ = done.send(count);
        }
    }

    /// Tells the engine about the clients that are gone. Call it when the turn has written.
    pub(crate) fn flush(&mut self, context: &Context) {
        if !self.has_postponed() {
            return;
        }
        for notice in mem::take(&mut self.postponed) {
            self.tell(notice, context);
        }
        for (done, count) in mem::take(&mut self.orders) {
            // As above.
            let _ = done.send(count);
        }
    }

    fn has_postponed(&self) -> bool {
        !self.postponed.is_empty() || !self.orders.is_empty()
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
