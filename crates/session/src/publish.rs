//! `publish`.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use veche_protocol::channel::Channel;
use veche_protocol::command;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::error_code::ErrorCode;
use veche_protocol::payload::Payload;
use veche_protocol::publication::{Publication, PublishOptions};

use crate::effect::Effects;
use crate::permission;
use crate::question::Question;
use crate::refusal::Refusal;
use crate::session::{Session, Waiting};
use crate::turn::Turn;

impl Session {
    pub(crate) fn handle_publish(
        &mut self,
        id: u32,
        request: command::Publish,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        match self.publication(request, turn) {
            Ok(question) => self.ask(Waiting::Publish(id), question, effects),
            Err(refusal) => self.refuse(id, refusal, effects),
        }
    }

    fn publication(&self, request: command::Publish, turn: &Turn<'_>) -> Result<Question, Refusal> {
        if request.channel.is_empty() {
            return Err(Disconnect::BAD_REQUEST.into());
        }
        let place = permission::place(turn.rules, &request.channel)?;
        if request.kind == MAP && request.key.is_empty() {
            let why = "a publication in a map needs a key";
            return Err(Refusal::because(ErrorCode::BAD_REQUEST, why));
        }
        if request.kind == MAP {
            let why = "the channel is a stream, not a map (subscription_type)";
            return Err(Refusal::because(ErrorCode::PERMISSION_DENIED, why));
        }
        let asker = self.asker(&request.channel);
        permission::publish(&place, asker, request.data.as_ref())?;
        let chan_info = self
            .subscriptions
            .live(&request.channel)
            .and_then(|live| live.info.as_deref());
        let data = request
            .data
            .unwrap_or_else(|| Payload::binary(Bytes::new()));
        let mut publication = Publication::new(data);
        publication.info = Some(self.client_info(chan_info));
        publication.tags = tags(request.tags);
        let options = PublishOptions {
            retention: place.options.retention,
            idempotency_key: request.idempotency_key,
            delta: place.options.delta_publish,
            ..PublishOptions::default()
        };
        Ok(Question::Publish {
            channel: Channel::from(request.channel),
            publication: Box::new(publication),
            options: Box::new(options),
        })
    }
}

/// Kind of a publication that changes a map.
const MAP: i32 = 1;

fn tags(pairs: Vec<(String, String)>) -> Option<Arc<BTreeMap<Box<str>, Box<str>>>> {
    if pairs.is_empty() {
        return None;
    }
    let boxed = |(name, value): (String, String)| (name.into_boxed_str(), value.into_boxed_str());
    Some(Arc::new(pairs.into_iter().map(boxed).collect()))
}
