//! What the server says: each frame is read, and given to what it is about.

use bytes::Bytes;

use super::Machine;
use super::asked::Ask;
use super::awaited::Awaited;
use super::clock::Now;
use super::output::{self, Event, LinkId, SubscriptionEvent};
use super::phase::Phase;
use crate::data::Data;
use crate::state::Cause;
use crate::wire::{self, ActionError, Frame, Malformed, Reply};

impl Machine {
    /// A text frame came.
    pub fn handle_text(&mut self, link: LinkId, text: &str, now: Now) {
        self.advance(now);
        if !self.connection.is_open() || self.connection.link() != link {
            return;
        }
        self.hear();
        if self.connection.awaited.is_some() {
            return self.lose(Cause::Violation("announced bytes did not come"));
        }
        match wire::decode(text) {
            Ok(frame) => self.handle_frame(frame),
            Err(Malformed(why)) => self.lose(Cause::Violation(why)),
        }
    }

    /// A binary frame came.
    pub fn handle_binary(&mut self, link: LinkId, bytes: Bytes, now: Now) {
        self.advance(now);
        if !self.connection.is_open() || self.connection.link() != link {
            return;
        }
        self.hear();
        let Some(awaited) = self.connection.awaited.take() else {
            return self.lose(Cause::Violation("bytes came that were not announced"));
        };
        if bytes.len() != awaited.announced.size {
            return self.lose(Cause::Violation("bytes have not the announced size"));
        }
        let mut publication = awaited.publication;
        publication.data = Data::binary(bytes);
        if let Some(media_type) = awaited.announced.media_type {
            publication.data = publication.data.with_media_type(media_type);
        }
        self.handle_publication(&awaited.channel, publication);
    }

    fn handle_frame(&mut self, frame: Frame) {
        match frame {
            Frame::Welcome(welcome) => self.handle_welcome(welcome),
            Frame::Answer { id, answer } => self.handle_reply(id, answer),
            Frame::Refused {
                id: Some(id),
                refusal,
                ..
            } => self.handle_refused(id, refusal),
            Frame::Refused {
                id: None,
                action: Some(action),
                channel: Some(channel),
                refusal,
            } => self.handle_part_refused(&channel, action, refusal),
            Frame::Refused { refusal, .. } => self.handle_bare_error(refusal),
            Frame::Publication {
                channel,
                publication,
                announced,
            } => match announced {
                None => self.handle_publication(&channel, publication),
                Some(announced) => {
                    self.connection.awaited = Some(Awaited {
                        channel,
                        publication,
                        announced,
                    });
                }
            },
            Frame::Join { channel, client } => {
                self.handle_membership(&channel, SubscriptionEvent::Join(client));
            }
            Frame::Leave { channel, client } => {
                self.handle_membership(&channel, SubscriptionEvent::Leave(client));
            }
            Frame::Unsubscribed {
                channel,
                code,
                reason,
            } => self.handle_unsubscribed(&channel, code, reason),
            Frame::Message(data) => self.tell(Event::Message(data)),
            Frame::Disconnect { code, reason } => self.handle_close_code(code, reason),
            // A subscription that the server makes by itself is one that nobody here has declared.
            Frame::Subscribed { channel, .. } => tracing::debug!(channel, "subscribed unasked"),
            Frame::Unknown => {}
        }
    }

    /// An answer. One to nothing, or a second one, changes nothing.
    fn handle_reply(&mut self, id: u64, answer: Reply) {
        let Some(ask) = self.asked.take(id) else {
            return;
        };
        match (ask, answer) {
            (Ask::Login | Ask::Refresh, Reply::Login { user, ttl_secs }) => {
                self.handle_login(user, ttl_secs);
            }
            (
                Ask::Subscribe(id),
                Reply::Subscribed {
                    position,
                    recovered,
                    clients,
                },
            ) => self.handle_subscribed(id, position, recovered, clients),
            (Ask::Unsubscribe(whose), Reply::Unsubscribed) => {
                if let Some(id) = whose {
                    self.handle_paused(id);
                }
            }
            (Ask::Publish(id), Reply::Published { position }) => {
                self.handle_published(id, position);
            }
            (Ask::Ping, Reply::Pong) => self.handle_pong(id),
            (Ask::Request(id), answer) => match requested(answer) {
                Some(answer) => self.handle_answer(id, Ok(answer)),
                None => self.lose(Cause::Violation("an answer is of another kind")),
            },
            _ => self.lose(Cause::Violation("an answer is of another kind")),
        }
    }

    fn handle_refused(&mut self, id: u64, refusal: ActionError) {
        match self.asked.take(id) {
            Some(Ask::Login) => self.handle_login_refused(refusal),
            Some(Ask::Refresh) => self.handle_refresh_refused(refusal),
            Some(Ask::Subscribe(id)) => self.handle_subscribe_refused(id, refusal),
            Some(Ask::Publish(id)) => self.handle_publish_refused(id, refusal),
            Some(Ask::Request(id)) => self.handle_answer(id, Err(refusal)),
            // It is unknown now what the server still sends.
            Some(Ask::Unsubscribe(_)) => self.lose(Cause::Violation("unsubscribing was refused")),
            // An answer is an answer.
            Some(Ask::Ping) => self.handle_pong(id),
            None => {}
        }
    }

    /// An error that is about nothing that was asked: the upgrade's own token is bad, for one.
    fn handle_bare_error(&mut self, refusal: ActionError) {
        tracing::debug!(%refusal, "an error of the server's");
        if self.connection.phase() == Phase::Greeting {
            self.handle_login_refused(refusal);
        }
    }
}

fn requested(answer: Reply) -> Option<output::Answer> {
    Some(match answer {
        Reply::History {
            publications,
            position,
        } => output::Answer::History {
            publications,
            position,
        },
        Reply::Presence { clients } => output::Answer::Presence(clients),
        Reply::PresenceStats {
            num_clients,
            num_users,
        } => output::Answer::PresenceStats {
            num_clients,
            num_users,
        },
        Reply::Call(data) => output::Answer::Call(data),
        Reply::Login { .. }
        | Reply::Subscribed { .. }
        | Reply::Unsubscribed
        | Reply::Published { .. }
        | Reply::Pong => return None,
    })
}
