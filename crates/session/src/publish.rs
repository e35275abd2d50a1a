//! `publish`.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use veche_protocol::channel::Channel;
use veche_protocol::command;
use veche_protocol::error_code::ErrorCode;
use veche_protocol::idempotency::{IdempotencyKey, KeyOwner};
use veche_protocol::payload::Payload;
use veche_protocol::publication::{Publication, PublishOptions};

use crate::application::ProxyName;
use crate::authorities;
use crate::effect::Effects;
use crate::permission;
use crate::publish_queue::Prepared;
use crate::question::Question;
use crate::refusal::{About, Refusal};
use crate::rule::Silent;
use crate::session::Session;
use crate::session::pending::PendingQuestion;
use crate::turn::Turn;

mod approval;

impl Session {
    pub(crate) fn handle_publish(
        &mut self,
        id: u32,
        mut request: command::Publish,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        match self.prepare(id, &mut request, turn) {
            Ok((prepared, None)) => self.publish_in_order(prepared, effects),
            Ok((prepared, Some(proxy))) => self.ask_approval(prepared, proxy, effects),
            Err(refusal) => {
                let about = About::channel(id, "publish", &request.channel);
                self.refuse(about, refusal, turn, effects);
            }
        }
    }

    /// Checks the request. If it is allowed, or the application decides, moves its fields into a publication. Returns
    /// also the proxy by which the application is asked.
    fn prepare(
        &self,
        id: u32,
        request: &mut command::Publish,
        turn: &Turn<'_>,
    ) -> Result<(Prepared, Option<ProxyName>), Refusal> {
        let resolved = self.find_channel(&request.channel, turn.rules)?;
        if request.kind == MAP && request.key.is_empty() {
            let why = "a publication in a map needs a key";
            return Err(Refusal::because(ErrorCode::BAD_REQUEST, why));
        }
        if request.kind == MAP {
            let why = "the channel is a stream, not a map (subscription_type)";
            return Err(Refusal::because(ErrorCode::PERMISSION_DENIED, why));
        }
        let asker = self.asker(&request.channel);
        permission::publish(&resolved, asker, request.data.as_ref(), &mut Silent)?;
        let owner = KeyOwner::of_client(&self.user, self.client);
        let idempotency_key = IdempotencyKey::parse(owner, &request.idempotency_key)
            .map_err(|error| Refusal::because(ErrorCode::BAD_REQUEST, error.to_string()))?;
        let (retention, delta) = (resolved.options.retention, resolved.options.delta_publish);
        let proxy = authorities::publish(resolved.options).cloned();
        let chan_info = self
            .subscriptions
            .live(&request.channel)
            .and_then(|live| live.info.as_deref());
        let data = request
            .data
            .take()
            .unwrap_or_else(|| Payload::binary(Bytes::new()));
        let mut publication = Publication::new(data);
        publication.info = Some(self.client_info(chan_info));
        publication.tags = tags(std::mem::take(&mut request.tags));
        let options = PublishOptions {
            retention,
            idempotency_key,
            delta,
            ..PublishOptions::default()
        };
        let prepared = Prepared {
            id,
            channel: Channel::from(std::mem::take(&mut request.channel)),
            publication: Box::new(publication),
            options: Box::new(options),
        };
        Ok((prepared, proxy))
    }

    /// Has the engine publish.
    fn publish(&mut self, prepared: Prepared, effects: &mut Effects) {
        let question = Question::Publish {
            channel: prepared.channel,
            publication: prepared.publication,
            options: prepared.options,
        };
        self.ask(PendingQuestion::Publish(prepared.id), question, effects);
    }
}

/// The kind of publications that change a map.
const MAP: i32 = 1;

fn tags(pairs: Vec<(String, String)>) -> Option<Arc<BTreeMap<Box<str>, Box<str>>>> {
    if pairs.is_empty() {
        return None;
    }
    let boxed = |(name, value): (String, String)| (name.into_boxed_str(), value.into_boxed_str());
    Some(Arc::new(pairs.into_iter().map(boxed).collect()))
}
