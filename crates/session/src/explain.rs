//! Explains why something is allowed or denied, with each rule that was checked.
//!
//! The verdicts are those of a session: every decision is made by the functions that a session calls, with a trail that
//! notes the steps.

use veche_protocol::claims::{ConnectionClaims, SubscriptionClaims, TokenError};
use veche_protocol::identity::{ClientId, UserId};
use veche_protocol::payload::Payload;

use crate::authorities::{self, Proof};
use crate::connect::plan::Plan;
use crate::permission::{self, Asker, person};
use crate::refusal::Refusal;
use crate::rule::{Decision, Rule, Step};
use crate::rules::Rules;
use crate::subscription::Source;

mod operation;

pub use operation::Operation;

/// A question to the rules: who wants to do what.
#[derive(Clone, Debug, Default)]
pub struct Question<'a> {
    /// The operation.
    pub operation: Operation,
    /// The channel; ignored where the operation is to connect.
    pub channel: &'a str,
    /// How the client connects.
    pub credentials: Credentials,
    /// The result of checking the subscription token, if the client has one.
    pub subscription_token: Option<Result<Box<SubscriptionClaims>, TokenError>>,
    /// Whether the client is subscribed to the channel.
    pub is_subscribed: bool,
    /// Data to publish; without, some that every format takes.
    pub data: Option<&'a str>,
    /// Unix time in seconds.
    pub now_secs: i64,
}

/// What a client connects with.
#[derive(Clone, Debug, Default)]
pub enum Credentials {
    /// Nothing.
    #[default]
    Nothing,
    /// A valid token for this user; an empty user is anonymous.
    User(UserId),
    /// The result of checking a connection token.
    Token(Result<Box<ConnectionClaims>, TokenError>),
}

/// The answer, part by part.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// First connecting, then the operation.
    pub parts: Vec<Part>,
    /// Assumptions on which the verdict depends.
    pub notes: Vec<&'static str>,
}

/// One operation and its verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// What is asked.
    pub operation: Operation,
    /// What is asked, in words.
    pub title: String,
    /// The rules that were checked, in order.
    pub steps: Vec<Step>,
    /// The verdict: the rule that allows it, or by which the application decides.
    pub verdict: Result<Decision, Refusal>,
}

/// Answers a question by these rules.
#[must_use]
pub fn explain(question: Question<'_>, rules: &Rules) -> Explanation {
    let mut explanation = Explanation {
        parts: Vec::new(),
        notes: Vec::new(),
    };
    let (operation, channel) = (question.operation, question.channel);
    let credentials = question.credentials.clone();
    let now = question.now_secs;
    let Some(newcomer) = explanation.connect(credentials, rules, now) else {
        return explanation;
    };
    if operation == Operation::Connect {
        return explanation;
    }
    let is_subscribed = explanation.is_subscribed(&question, &newcomer);
    explanation.note_unchecked(&question);
    let title = format!(
        "{} {channel:?} as {}",
        operation.name(),
        person(&newcomer.user)
    );
    let mut steps = Vec::new();
    let verdict = decide(question, &newcomer.user, is_subscribed, rules, &mut steps);
    explanation.parts.push(Part {
        operation,
        title,
        steps,
        verdict,
    });
    explanation
}

/// What is said where the application is asked who a client is.
const APPLICATION_KNOWS: &str = "the application says who the client is, or refuses it; where it knows nothing of the client, what follows in the order of authorities decides";

/// Whether a client is let in.
enum Admission {
    Known(Rule, Newcomer),
    Asked(Decision),
}

/// A client that may connect.
struct Newcomer {
    user: UserId,
    plan: Plan,
}

impl Explanation {
    /// Whether all of it is allowed; what the application decides is not known.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        let mut verdicts = self.parts.iter().map(|part| &part.verdict);
        verdicts.all(|verdict| matches!(verdict, Ok(Decision::Allowed(_))))
    }

    /// Whether the application decides a part of it, and the rules refuse none.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        let is_refused = self.parts.iter().any(|part| part.verdict.is_err());
        !is_refused && !self.is_allowed()
    }

    /// Whether the client may connect, and with which server-side subscriptions.
    fn connect(
        &mut self,
        credentials: Credentials,
        rules: &Rules,
        now_secs: i64,
    ) -> Option<Newcomer> {
        if matches!(credentials, Credentials::User(_)) {
            let note = "it is assumed that the user has proved who it is; --token checks a token";
            self.notes.push(note);
        }
        let mut title = "connect".to_owned();
        let mut steps = Vec::new();
        let let_in = admit(credentials, rules, now_secs, &mut title, &mut steps);
        let (verdict, newcomer) = match let_in {
            Ok(Admission::Known(rule, newcomer)) => (Ok(Decision::Allowed(rule)), Some(newcomer)),
            Ok(Admission::Asked(decision)) => {
                self.notes.push(APPLICATION_KNOWS);
                (Ok(decision), None)
            }
            Err(refusal) => (Err(refusal), None),
        };
        self.parts.push(Part {
            operation: Operation::Connect,
            title,
            steps,
            verdict,
        });
        newcomer
    }

    /// Whether the client is subscribed already, as far as that can be known.
    fn is_subscribed(&mut self, question: &Question<'_>, newcomer: &Newcomer) -> bool {
        let source = newcomer.plan.source(question.channel);
        match source {
            Some(Source::ConnectionToken) => {
                let note = "the connection token subscribes the client to the channel";
                self.notes.push(note);
            }
            Some(_) => self.notes.push("the server subscribes the user to this personal channel (client.subscribe_to_user_personal_channel)"),
            None => {}
        }
        let is_subscribed = source.is_some() || question.is_subscribed;
        if is_subscribed && question.operation == Operation::Subscribe {
            self.notes.push(
                "the client is subscribed already: another subscribe is answered with error 105",
            );
        }
        is_subscribed
    }

    fn note_unchecked(&mut self, question: &Question<'_>) {
        if let Some(Ok(claims)) = &question.subscription_token
            && !claims.client.is_empty()
            && question.operation == Operation::Subscribe
        {
            self.notes.push("the subscription token is for one connection alone (claim client); that it is this one is assumed");
        }
    }
}

/// Makes the decisions of `connect`, except for limits that depend on other connections.
fn admit(
    credentials: Credentials,
    rules: &Rules,
    now_secs: i64,
    title: &mut String,
    steps: &mut Vec<Step>,
) -> Result<Admission, Refusal> {
    let (claims, rule) = match credentials {
        Credentials::Token(checked) => {
            let name = |claims: &ConnectionClaims| format!("connect as {}", person(&claims.user));
            if let Ok(claims) = &checked {
                *title = name(claims);
            }
            permission::connect_by_token(rules, checked, steps)?
        }
        Credentials::User(user) => believed(user, Proof::Token, rules, title, steps)?,
        Credentials::Nothing => {
            let proof = authorities::connect(rules, authorities::Credentials::default());
            if proof == Proof::Application {
                return Ok(Admission::Asked(permission::asks_who_connects(steps)));
            }
            believed(UserId::default(), proof, rules, title, steps)?
        }
    };
    let asker = Asker {
        user: &claims.user,
        client: ClientId::from_random([0; 16]),
        is_subscribed: false,
    };
    let plan = Plan::new(claims.subs, Source::ConnectionToken, &[], asker, rules)?;
    let expire_at = claims.expire_at.filter(|_| !rules.client.insecure);
    plan.expiry(expire_at, now_secs)?;
    let user = claims.user;
    Ok(Admission::Known(rule, Newcomer { user, plan }))
}

fn believed(
    user: UserId,
    proof: Proof,
    rules: &Rules,
    title: &mut String,
    steps: &mut Vec<Step>,
) -> Result<(ConnectionClaims, Rule), Refusal> {
    *title = format!("connect as {}", person(&user));
    let rule = permission::connect(rules, &user, proof, steps)?;
    let claims = ConnectionClaims {
        user,
        ..ConnectionClaims::default()
    };
    Ok((claims, rule))
}

/// Makes the decision of a session about a command, or about an option of a subscription.
fn decide(
    question: Question<'_>,
    user: &UserId,
    is_subscribed: bool,
    rules: &Rules,
    steps: &mut Vec<Step>,
) -> Result<Decision, Refusal> {
    let is_new = question.operation == Operation::Subscribe;
    let resolved = permission::find(rules, question.channel, is_subscribed && !is_new, steps)?;
    let asker = Asker {
        user,
        client: client(question.subscription_token.as_ref()),
        is_subscribed,
    };
    let rule = match question.operation {
        Operation::Connect | Operation::Subscribe => {
            let (token, now) = (question.subscription_token, question.now_secs);
            return permission::subscribe_by(&resolved, asker, token, now, steps)
                .map(|(decision, _)| decision);
        }
        Operation::Publish => {
            let data = Payload::detect(question.data.unwrap_or("{}").to_owned().into());
            return permission::publish(&resolved, asker, Some(&data), steps);
        }
        Operation::History => permission::history(&resolved, asker, steps),
        Operation::Presence | Operation::PresenceStats => {
            permission::presence(&resolved, asker, steps)
        }
        Operation::Positioning => permission::may_position(&resolved, asker, steps),
        Operation::Recovery => permission::may_recover(&resolved, asker, steps),
        Operation::JoinLeave => permission::may_see_join_leave(&resolved, asker, steps),
    };
    rule.map(Decision::Allowed)
}

/// The connection that a token is for, or any.
fn client(token: Option<&Result<Box<SubscriptionClaims>, TokenError>>) -> ClientId {
    let claims = token.and_then(|checked| checked.as_ref().ok());
    claims
        .and_then(|claims| claims.client.parse().ok())
        .unwrap_or_else(|| ClientId::from_random([0; 16]))
}
