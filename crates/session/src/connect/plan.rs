//! The server-side subscriptions that come with a connection, and whether their time and the connection's lets them.

use std::collections::BTreeMap;

use veche_protocol::channel::Channel;
use veche_protocol::claims::SubscriptionOptions;
use veche_protocol::command;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::error_code::ErrorCode;
use veche_protocol::reply::Expiry;

use crate::authorities;
use crate::limits;
use crate::permission::{self, Asker};
use crate::refusal::Refusal;
use crate::rule::Silent;
use crate::rules::Rules;
use crate::subscription::request::RecoveryRequest;
use crate::subscription::{Grant, Source};

/// Server-side subscriptions to make.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(super) subscriptions: BTreeMap<Channel, Planned>,
}

/// One subscription to make.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) source: Source,
    pub(super) grant: Grant,
    pub(super) recovery: RecoveryRequest,
}

impl Plan {
    /// Collects the subscriptions that are granted, the personal channel, and those that the client asks for and may
    /// have. Where the application grants them, it has been told what the client asks for, so no others are made.
    ///
    /// # Errors
    /// 102 and disconnect 3501 for channels that do not exist, disconnect 3505 for too many.
    pub(crate) fn new(
        granted: Vec<(String, SubscriptionOptions)>,
        by: Source,
        asked: &[(String, command::Subscribe)],
        asker: Asker<'_>,
        rules: &Rules,
    ) -> Result<Self, Refusal> {
        let mut plan = Self::default();
        let who = match by {
            Source::ConnectProxy => "the application",
            _ => "the token",
        };
        for (name, wishes) in granted {
            if name.is_empty() {
                continue;
            }
            let resolved = rules.resolve(&name).ok_or_else(|| {
                let why = format!("{who} subscribes to {name:?}, whose namespace does not exist");
                Refusal::because(ErrorCode::UNKNOWN_CHANNEL, why)
            })?;
            let grant = Grant::new(&resolved, wishes);
            plan.add(&name, by, grant, RecoveryRequest::default());
        }
        if let Some(name) = rules.personal_channel(asker.user) {
            let resolved = rules.resolve(&name).ok_or(ErrorCode::UNKNOWN_CHANNEL)?;
            let grant = Grant::new(&resolved, SubscriptionOptions::default());
            plan.add(&name, Source::Personal, grant, RecoveryRequest::default());
        }
        for (name, request) in asked {
            let is_told = by == Source::ConnectProxy;
            if is_told && !plan.subscriptions.contains_key(name.as_str()) {
                continue;
            }
            plan.ask(name, request, asker, rules)?;
        }
        let limit = rules.client.channel_limit;
        if limit > 0 && plan.subscriptions.len() > limit {
            let why = "more channels come with the connection than client.channel_limit";
            return Err(Refusal::ends(Disconnect::CHANNEL_LIMIT, why));
        }
        Ok(plan)
    }

    /// Adds a request of the client: options for a planned subscription, or a subscription that the client may have.
    fn ask(
        &mut self,
        name: &str,
        request: &command::Subscribe,
        asker: Asker<'_>,
        rules: &Rules,
    ) -> Result<(), Refusal> {
        let Some(resolved) = rules.resolve(name) else {
            let why = "a channel that connect asks for is in a namespace that does not exist";
            return Err(Refusal::ends(Disconnect::BAD_REQUEST, why));
        };
        if let Some(planned) = self.subscriptions.get_mut(name) {
            planned.grant.offer_delta(&request.delta, &resolved);
            planned.recovery = recovery_of(request);
            return Ok(());
        }
        if permission::length(rules, name, &mut Silent).is_err() {
            let why =
                "a channel that connect asks for has a name that is too long (channel.max_length)";
            return Err(Refusal::ends(Disconnect::BAD_REQUEST, why));
        }
        let may_have = !name.is_empty()
            && resolved.has_valid_name()
            && authorities::may_come_with_connect(resolved.options)
            && permission::subscribe(&resolved, asker, None, &mut Silent).is_ok();
        if may_have {
            let mut grant = Grant::new(&resolved, SubscriptionOptions::default());
            grant.offer_delta(&request.delta, &resolved);
            self.add(name, Source::ConnectRequest, grant, recovery_of(request));
        }
        Ok(())
    }

    fn add(&mut self, name: &str, source: Source, grant: Grant, recovery: RecoveryRequest) {
        let planned = Planned {
            source,
            grant,
            recovery,
        };
        self.subscriptions.insert(Channel::new(name), planned);
    }

    /// The source of the planned subscription to a channel, if there is one.
    pub(crate) fn source(&self, channel: &str) -> Option<Source> {
        let planned = self.subscriptions.get(channel);
        planned.map(|planned| planned.source)
    }

    /// The expiry to send to a client whose connection ends at `expire_at`, in seconds of Unix time like `now_secs`.
    ///
    /// # Errors
    /// 110 if the connection or a subscription has expired.
    pub(crate) fn expiry(&self, expire_at: Option<i64>, now_secs: i64) -> Result<Expiry, Refusal> {
        let expiry = limits::expiry(expire_at, now_secs).ok_or_else(|| {
            let why = "the connection's time (expire_at) has run out";
            Refusal::because(ErrorCode::EXPIRED, why)
        })?;
        let mut ends = self
            .subscriptions
            .values()
            .map(|planned| planned.grant.expire_at);
        if ends.any(|end| limits::expiry(end, now_secs).is_none()) {
            let why = "the time of a server-side subscription (expire_at) has run out";
            return Err(Refusal::because(ErrorCode::EXPIRED, why));
        }
        Ok(expiry)
    }
}

fn recovery_of(request: &command::Subscribe) -> RecoveryRequest {
    RecoveryRequest {
        recover: request.recover,
        since: request.since.clone(),
        rejects_unrecovered: false,
    }
}
