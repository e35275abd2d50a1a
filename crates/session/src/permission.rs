//! Who may do what: one pure function a verb, of rules, claims and command, which names the rule that decided.

use std::fmt;

use veche_protocol::claims::SubscriptionClaims;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::error_code::{CommandError, ErrorCode};
use veche_protocol::identity::{ClientId, UserId};
use veche_protocol::payload::Payload;

use crate::namespace::Place;
use crate::refusal::Refusal;
use crate::rules::{DataFormat, Rules};

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// The user; may be anonymous.
    pub user: &'a UserId,
    /// The connection.
    pub client: ClientId,
    /// Whether it is subscribed to the channel in question.
    pub is_subscribed: bool,
}

/// The rule that allowed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A subscription token for this channel, user and connection.
    Token,
    /// The channel's name lists the user.
    UserLimited,
    /// The namespace allows all clients.
    ForClient,
    /// The namespace allows subscribers, and the client is one.
    ForSubscriber,
    /// `client.insecure`.
    Insecure,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token => "the subscription token allows it",
            Self::UserLimited => "the channel's name lists the user",
            Self::ForClient => "the namespace allows all clients",
            Self::ForSubscriber => "the namespace allows subscribers",
            Self::Insecure => "client.insecure allows everything",
        })
    }
}

/// Whether a client may connect without a token.
#[must_use]
pub fn may_connect_without_token(rules: &Rules) -> bool {
    rules.client.insecure || rules.client.allow_anonymous_connect_without_token
}

/// Finds a channel for a command of a client.
///
/// # Errors
/// 102 where the namespace does not exist, 107 where the name is not one that clients may use.
pub fn place<'a>(rules: &'a Rules, channel: &'a str) -> Result<Place<'a>, Refusal> {
    let Some(place) = rules.place(channel) else {
        let (namespace, _) = rules.channel.split(channel);
        return Err(Refusal::because(
            ErrorCode::UNKNOWN_CHANNEL,
            format!("namespace {namespace:?} does not exist (channel.namespaces)"),
        ));
    };
    if place.has_valid_name() {
        return Ok(place);
    }
    let why = match &place.options.channel_regex {
        Some(pattern) => format!(
            "{:?} does not match {:?} ({})",
            place.rest,
            pattern.text,
            place.key("channel_regex")
        ),
        None => format!(
            "channel {channel:?} is not ASCII; {} would allow it",
            place.key("channel_regex")
        ),
    };
    Err(Refusal::because(ErrorCode::BAD_REQUEST, why))
}

/// Whether a client may subscribe. `claims` is what its subscription token says, if the command had one.
///
/// # Errors
/// 103; 102 where the token's channel has no namespace of ours; disconnect 3500 where the token is for another channel,
/// user or connection.
pub fn subscribe(
    place: &Place<'_>,
    asker: Asker<'_>,
    claims: Option<&SubscriptionClaims>,
) -> Result<Rule, Refusal> {
    let (options, user) = (place.options, asker.user);
    if let Some(claims) = claims {
        return token_is_for(place, asker, claims).map(|()| Rule::Token);
    }
    if place.is_private() {
        return Err(needs_token(
            place,
            format!(
                "its name begins with {:?} (channel.private_prefix)",
                place.rules.channel.private_prefix
            ),
        ));
    }
    let is_user_limited = place.is_user_limited();
    if is_user_limited && place.lists_user(user.as_str()) {
        return Ok(Rule::UserLimited);
    }
    if options.allow_subscribe_for_client
        && !is_user_limited
        && (!user.is_anonymous() || options.allow_subscribe_for_anonymous)
    {
        return Ok(Rule::ForClient);
    }
    if place.rules.client.insecure {
        return Ok(Rule::Insecure);
    }
    Err(needs_token(
        place,
        if is_user_limited {
            format!(
                "its name does not list user {user:?} after {:?} (channel.user_boundary)",
                place.rules.channel.user_boundary
            )
        } else if options.allow_subscribe_for_client {
            lacks(
                place,
                "anonymous subscribers",
                "allow_subscribe_for_anonymous",
            )
        } else {
            lacks(place, "clients to subscribe", "allow_subscribe_for_client")
        },
    ))
}

/// Whether a subscription token is for this channel, user and connection.
///
/// # Errors
/// As [`subscribe`].
pub fn token_is_for(
    place: &Place<'_>,
    asker: Asker<'_>,
    claims: &SubscriptionClaims,
) -> Result<(), Refusal> {
    if place.rules.place(&claims.channel).is_none() {
        return Err(Refusal::because(
            ErrorCode::UNKNOWN_CHANNEL,
            format!(
                "the token is for channel {:?}, whose namespace does not exist",
                claims.channel
            ),
        ));
    }
    let is_for_client = claims.client.is_empty() || claims.client == asker.client.to_string();
    if claims.channel != place.channel || claims.user != *asker.user || !is_for_client {
        return Err(Disconnect::INVALID_TOKEN.into());
    }
    Ok(())
}

/// Whether a client may publish this data.
///
/// # Errors
/// 103; 107 where the data has the wrong format.
pub fn publish(
    place: &Place<'_>,
    asker: Asker<'_>,
    data: Option<&Payload>,
) -> Result<Rule, Refusal> {
    has_format(place, data)?;
    let options = place.options;
    access(
        place,
        asker,
        &Access {
            for_client: options.allow_publish_for_client,
            for_subscriber: options.allow_publish_for_subscriber,
            for_anonymous: options.allow_publish_for_anonymous,
            verb: "publish",
            noun: "publishers",
        },
    )
}

/// Whether a client may ask who is in a channel.
///
/// # Errors
/// 108 where the channel keeps no presence; 103.
pub fn presence(place: &Place<'_>, asker: Asker<'_>) -> Result<Rule, Refusal> {
    if !place.options.presence {
        return Err(off(place, "presence", "presence"));
    }
    may_see_presence(place, asker)
}

/// Whether a client may read a channel's history.
///
/// # Errors
/// 108 where the channel keeps no history; 103.
pub fn history(place: &Place<'_>, asker: Asker<'_>) -> Result<Rule, Refusal> {
    if place.options.retention.is_none() {
        return Err(off(place, "history", "history_size"));
    }
    may_see_history(place, asker)
}

/// What a subscriber gets of what it asked for: an option is granted where the namespace allows it to all, or the
/// client may see the same by asking.
#[must_use]
pub fn may_position(place: &Place<'_>, asker: Asker<'_>) -> bool {
    place.options.allow_positioning || may_see_history(place, subscribed(asker)).is_ok()
}

/// As [`may_position`], for recovery.
#[must_use]
pub fn may_recover(place: &Place<'_>, asker: Asker<'_>) -> bool {
    place.options.allow_recovery || may_see_history(place, subscribed(asker)).is_ok()
}

/// As [`may_position`], for others' joins and leaves.
#[must_use]
pub fn may_see_join_leave(place: &Place<'_>, asker: Asker<'_>) -> bool {
    place.options.join_leave && may_see_presence(place, subscribed(asker)).is_ok()
}

fn subscribed(asker: Asker<'_>) -> Asker<'_> {
    Asker {
        is_subscribed: true,
        ..asker
    }
}

fn may_see_presence(place: &Place<'_>, asker: Asker<'_>) -> Result<Rule, Refusal> {
    let options = place.options;
    access(
        place,
        asker,
        &Access {
            for_client: options.allow_presence_for_client,
            for_subscriber: options.allow_presence_for_subscriber,
            for_anonymous: options.allow_presence_for_anonymous,
            verb: "presence",
            noun: "presence calls",
        },
    )
}

fn may_see_history(place: &Place<'_>, asker: Asker<'_>) -> Result<Rule, Refusal> {
    let options = place.options;
    access(
        place,
        asker,
        &Access {
            for_client: options.allow_history_for_client,
            for_subscriber: options.allow_history_for_subscriber,
            for_anonymous: options.allow_history_for_anonymous,
            verb: "history",
            noun: "history calls",
        },
    )
}

/// The three switches of a verb.
struct Access {
    for_client: bool,
    for_subscriber: bool,
    for_anonymous: bool,
    verb: &'static str,
    noun: &'static str,
}

fn access(place: &Place<'_>, asker: Asker<'_>, access: &Access) -> Result<Rule, Refusal> {
    let counts = !asker.user.is_anonymous() || access.for_anonymous;
    if access.for_client && counts {
        return Ok(Rule::ForClient);
    }
    if access.for_subscriber && asker.is_subscribed && counts {
        return Ok(Rule::ForSubscriber);
    }
    if place.rules.client.insecure {
        return Ok(Rule::Insecure);
    }
    let Access { verb, noun, .. } = access;
    let why = if !access.for_client && !access.for_subscriber {
        lacks(
            place,
            &format!("{noun} by clients"),
            &format!("allow_{verb}_for_client"),
        )
    } else if !counts {
        lacks(
            place,
            &format!("{noun} by anonymous clients"),
            &format!("allow_{verb}_for_anonymous"),
        )
    } else {
        format!(
            "{} {} {noun} by subscribers only ({}); subscribe to {:?} first",
            place.owner(),
            place.agree("allow", "allows"),
            place.key(&format!("allow_{verb}_for_subscriber")),
            place.channel
        )
    };
    Err(Refusal::because(ErrorCode::PERMISSION_DENIED, why))
}

/// Whether data has the format that the channel asks for.
///
/// # Errors
/// 107.
pub fn has_format(place: &Place<'_>, data: Option<&Payload>) -> Result<(), Refusal> {
    let wanted = match place.options.data_format {
        DataFormat::Any if data.is_none_or(Payload::is_empty) => {
            return Err(Refusal::because(
                ErrorCode::BAD_REQUEST,
                "data is missing or empty",
            ));
        }
        DataFormat::Json if !data.is_some_and(Payload::is_json) => "one JSON value",
        DataFormat::JsonObject if !data.is_some_and(is_json_object) => "one JSON object",
        DataFormat::Any | DataFormat::Json | DataFormat::JsonObject | DataFormat::Binary => {
            return Ok(());
        }
    };
    Err(Refusal::because(
        ErrorCode::BAD_REQUEST,
        format!(
            "data is not {wanted}, as {} wants it ({})",
            place.owner(),
            place.key("publication_data_format")
        ),
    ))
}

fn is_json_object(data: &Payload) -> bool {
    data.is_json() && data.bytes().trim_ascii_start().starts_with(b"{")
}

fn needs_token(place: &Place<'_>, because: String) -> Refusal {
    Refusal::because(
        ErrorCode::PERMISSION_DENIED,
        format!(
            "channel {:?} needs a subscription token: {because}",
            place.channel
        ),
    )
}

fn lacks(place: &Place<'_>, what: &str, option: &str) -> String {
    let verb = place.agree("do", "does");
    format!(
        "{} {verb} not allow {what} ({})",
        place.owner(),
        place.key(option)
    )
}

fn off(place: &Place<'_>, what: &str, option: &str) -> Refusal {
    let verb = place.agree("keep", "keeps");
    CommandError::because(
        ErrorCode::NOT_AVAILABLE,
        format!("{} {verb} no {what} ({})", place.owner(), place.key(option)),
    )
    .into()
}
