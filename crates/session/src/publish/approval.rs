//! `publish` where the application decides what is published, if anything.

use std::collections::BTreeMap;
use std::sync::Arc;

use veche_protocol::idempotency::{IdempotencyKey, KeyOwner};

use crate::application::{ProxyName, PublishRequest, PublishResult, Request, Verdict, unusable};
use crate::effect::Effects;
use crate::permission;
use crate::publish_queue::Prepared;
use crate::question::Question;
use crate::refusal::{About, Refusal};
use crate::rule::{Rule, Silent};
use crate::session::Session;
use crate::session::pending::PendingQuestion;
use crate::turn::Turn;

impl Session {
    /// Asks the application. The publication keeps its place among those of the client.
    pub(super) fn ask_approval(
        &mut self,
        prepared: Prepared,
        proxy: ProxyName,
        effects: &mut Effects,
    ) {
        let number = self.next_number();
        let request = Request::Publish(Box::new(PublishRequest {
            proxy,
            channel: prepared.channel.clone(),
            data: prepared.publication.data.clone(),
        }));
        self.publish_queue().push_asked(prepared, number);
        let pending = PendingQuestion::Approval(number);
        self.ask(pending, Question::Application(request), effects);
    }

    /// Publishes what is allowed: behind earlier publications of the client about which the application is asked.
    pub(super) fn publish_in_order(&mut self, prepared: Prepared, effects: &mut Effects) {
        if self.has_publish_queue() {
            self.publish_queue().push_granted(prepared);
        } else {
            self.publish(prepared, effects);
        }
    }

    pub(crate) fn handle_publish_result(
        &mut self,
        number: u32,
        result: Verdict<Box<PublishResult>>,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        let is_there = self.publish_queue().decide(number, |prepared| {
            let result = result.map_err(|denial| denial.into_refusal(Rule::PublishProxy))?;
            prepared.apply(*result, turn)
        });
        debug_assert!(
            is_there,
            "an approval is pending as long as it is in the queue"
        );
        while let Some((prepared, verdict)) = self.publish_queue().pop() {
            match verdict {
                Ok(()) => self.publish(prepared, effects),
                Err(refusal) => {
                    let channel = prepared.channel.as_str();
                    let about = About::channel(prepared.id, "publish", channel);
                    self.refuse(about, refusal, turn, effects);
                    if self.is_closed() {
                        return;
                    }
                }
            }
        }
        if self.publish_queue().is_empty() {
            self.drop_publish_queue();
        }
    }
}

impl Prepared {
    /// Changes the publication as the application wants it.
    fn apply(&mut self, result: PublishResult, turn: &Turn<'_>) -> Result<(), Refusal> {
        let rule = Rule::PublishProxy;
        let (publication, options) = (&mut *self.publication, &mut *self.options);
        let resolved = permission::resolve(turn.rules, self.channel.as_str(), &mut Silent)?;
        if let Some(data) = result.data {
            if permission::has_format(&resolved, Some(&data), &mut Silent).is_err() {
                let key = resolved.key("publication_data_format");
                return Err(unusable(
                    rule,
                    &format!("data that the channel does not take ({key})"),
                ));
            }
            publication.data = data;
        }
        if !result.idempotency_key.is_empty() {
            let key = IdempotencyKey::parse(KeyOwner::Backend, &result.idempotency_key);
            let key = key.map_err(|error| unusable(rule, &format!("a bad key: {error}")))?;
            options.idempotency_key = key;
        }
        if !result.tags.is_empty() {
            let tags = publication
                .tags
                .get_or_insert_with(Arc::<BTreeMap<_, _>>::default);
            Arc::make_mut(tags).extend(result.tags);
        }
        if result.skip_history {
            options.retention = None;
        }
        options.delta |= result.delta;
        options.version = result.version;
        options.version_epoch = result.version_epoch;
        publication.version = result.version;
        Ok(())
    }
}
