//! Why something is allowed or denied: a question to the very rules that sessions go by, and each step to the answer.

use serde_json::{Value, json};
use veche_config::Loaded;
use veche_config::origin::Held;
use veche_protocol::claims::{ConnectionClaims, SubscriptionClaims, TokenError};
use veche_protocol::error_code::ErrorCode;
use veche_protocol::identity::{ClientId, UserId};
use veche_protocol::payload::Payload;
use veche_session::permission::{self, Asker, Proof};
use veche_session::refusal::{Answer, Refusal};
use veche_session::rule::{Rule, Step};
use veche_session::rules::Rules;

use crate::authority;
use crate::rules::rules;

mod question;

pub use question::{Operation, Question};
pub use veche_session::rule::Outcome;

/// The answer, part by part.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// Connecting, and what comes after it.
    pub parts: Vec<Part>,
    /// Something that the verdict rests on, and that was not checked.
    pub notes: Vec<String>,
}

/// One thing that is asked, and its verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// What is asked.
    pub operation: Operation,
    /// What is asked, in words.
    pub title: String,
    /// The rules that were looked at, in order.
    pub steps: Vec<Looked>,
    /// The verdict.
    pub verdict: Verdict,
}

/// A rule that was looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Looked {
    /// The rule, what came of it and what was found.
    pub step: Step,
    /// The key that it turned on, with its value.
    pub held: Option<Held>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Yes, by this rule.
    Allowed(Option<Rule>),
    /// No.
    Denied(Denied),
}

/// What a client would be told, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Denied {
    /// `error` or `disconnect`.
    pub kind: &'static str,
    /// Its code.
    pub code: u32,
    /// The words that go with the code.
    pub message: String,
    /// The rule that decided.
    pub rule: Option<Rule>,
    /// Why, in a sentence.
    pub why: String,
    /// What would change it: one of these.
    pub changes: Vec<String>,
}

/// Answers a question by a configuration. `now` is Unix time in seconds. Keys of an endpoint are fetched.
///
/// # Cancel safety
/// May be dropped.
pub async fn explain(loaded: &Loaded, question: &Question, now: i64) -> Explanation {
    let rules = rules(&loaded.config, "");
    let mut answer = Answering {
        loaded,
        rules: &rules,
        question,
        now,
        explanation: Explanation {
            parts: Vec::new(),
            notes: Vec::new(),
        },
    };
    answer.run().await;
    answer.explanation
}

struct Answering<'a> {
    loaded: &'a Loaded,
    rules: &'a Rules,
    question: &'a Question,
    now: i64,
    explanation: Explanation,
}

impl Answering<'_> {
    async fn run(&mut self) {
        let Some(claims) = self.connect().await else {
            return;
        };
        if self.question.operation == Operation::Connect {
            return;
        }
        let is_subscribed = self.is_subscribed(&claims);
        let mut steps = Vec::new();
        let result = self.decide(&claims.user, is_subscribed, &mut steps).await;
        let title = format!(
            "{} {:?} as {}",
            self.question.operation.name(),
            self.question.channel,
            person(&claims.user)
        );
        self.conclude(self.question.operation, title, steps, result);
    }

    /// Who comes in, if it does.
    async fn connect(&mut self) -> Option<ConnectionClaims> {
        let mut steps = Vec::new();
        let (claims, proof) = match (&self.question.token, &self.question.user) {
            (Some(token), _) => {
                match authority::connection_claims(&self.loaded.config, token, self.now).await {
                    Ok(claims) => {
                        let found = Step::new(
                            Rule::ConnectionToken,
                            Outcome::Passes,
                            format!(
                                "the connection token is valid, and for {}",
                                person(&claims.user)
                            ),
                        );
                        steps.push(found);
                        (*claims, Proof::Token)
                    }
                    Err(error) => {
                        let refused = refuse_token(Rule::ConnectionToken, &error, true);
                        let why = refused.why.clone();
                        steps.push(Step::new(Rule::ConnectionToken, Outcome::Refuses, why));
                        self.conclude(
                            Operation::Connect,
                            "connect".to_owned(),
                            steps,
                            Err(refused),
                        );
                        return None;
                    }
                }
            }
            (None, Some(user)) => {
                self.note(
                    "it is assumed that the user has proved who it is; --token checks a token",
                );
                let user = UserId::new(user);
                let claims = ConnectionClaims {
                    user,
                    ..ConnectionClaims::default()
                };
                (claims, Proof::Token)
            }
            (None, None) => (ConnectionClaims::default(), Proof::Nothing),
        };
        let verdict = permission::connect(self.rules, &claims.user, proof, &mut steps);
        let is_in = verdict.is_ok();
        let title = format!("connect as {}", person(&claims.user));
        let verdict = verdict.map(Some).map_err(denied);
        self.conclude(Operation::Connect, title, steps, verdict);
        is_in.then_some(claims)
    }

    /// Whether the client is subscribed already, as far as that can be known.
    fn is_subscribed(&mut self, claims: &ConnectionClaims) -> bool {
        let channel = self.question.channel.as_str();
        let by_token = claims.subs.iter().any(|(name, _)| name == channel);
        let personal = self.rules.personal_channel(&claims.user);
        let by_server = by_token || personal.as_deref() == Some(channel);
        if by_token {
            self.note("the connection token subscribes the client to the channel");
        } else if by_server {
            self.note("the server subscribes the user to this personal channel (client.subscribe_to_user_personal_channel)");
        }
        let is_subscribed = by_server || self.question.is_subscribed;
        if is_subscribed && self.question.operation == Operation::Subscribe {
            self.note(
                "the client is subscribed already: another subscribe is answered with error 105",
            );
        }
        is_subscribed
    }

    async fn decide(
        &mut self,
        user: &UserId,
        is_subscribed: bool,
        steps: &mut Vec<Step>,
    ) -> Result<Option<Rule>, Denied> {
        let question = self.question;
        let channel = question.channel.as_str();
        let mut claims = None;
        // The server's own subscriptions may have longer names, and what they allow is not refused for the name.
        if question.operation == Operation::Subscribe || !is_subscribed {
            permission::length(self.rules, channel, steps).map_err(denied)?;
        }
        let place = permission::place(self.rules, channel, steps).map_err(denied)?;
        if let (Operation::Subscribe, Some(token)) =
            (question.operation, &question.subscription_token)
        {
            claims = Some(self.subscription_claims(token, steps).await?);
        }
        let asker = Asker {
            user,
            client: client(claims.as_ref()),
            is_subscribed,
        };
        let data = data(question.data.as_deref());
        match question.operation {
            Operation::Connect => return Ok(None),
            Operation::Subscribe => {
                let rule = permission::subscribe(&place, asker, claims.as_ref(), steps);
                let rule = rule.map_err(denied)?;
                if let Some(claims) = claims {
                    let expire_at = claims.options.expire_at.or(claims.expire_at);
                    permission::lasts(expire_at, self.now, steps).map_err(denied)?;
                }
                return Ok(Some(rule));
            }
            Operation::Publish => permission::publish(&place, asker, Some(&data), steps),
            Operation::History => permission::history(&place, asker, steps),
            Operation::Presence | Operation::PresenceStats => {
                permission::presence(&place, asker, steps)
            }
            Operation::Positioning => permission::may_position(&place, asker, steps),
            Operation::Recovery => permission::may_recover(&place, asker, steps),
            Operation::JoinLeave => permission::may_see_join_leave(&place, asker, steps),
        }
        .map(Some)
        .map_err(denied)
    }

    async fn subscription_claims(
        &mut self,
        token: &str,
        steps: &mut Vec<Step>,
    ) -> Result<SubscriptionClaims, Denied> {
        match authority::subscription_claims(&self.loaded.config, token, self.now).await {
            Ok(claims) => {
                if !claims.client.is_empty() {
                    self.note("the subscription token is for one connection alone (claim client); that it is this one is assumed");
                }
                let finding = "the subscription token is valid";
                steps.push(Step::new(Rule::Token, Outcome::Passes, finding));
                Ok(*claims)
            }
            Err(error) => {
                let denied = refuse_token(Rule::Token, &error, false);
                steps.push(Step::new(Rule::Token, Outcome::Refuses, denied.why.clone()));
                Err(denied)
            }
        }
    }

    fn conclude(
        &mut self,
        operation: Operation,
        title: String,
        steps: Vec<Step>,
        result: Result<Option<Rule>, Denied>,
    ) {
        let held = |step: &Step| {
            let key = &step.option;
            (!key.is_empty()).then(|| self.loaded.origins.held(&self.loaded.config, key))
        };
        let steps = steps
            .into_iter()
            .map(|step| Looked {
                held: held(&step),
                step,
            })
            .collect();
        self.explanation.parts.push(Part {
            operation,
            title,
            steps,
            verdict: match result {
                Ok(rule) => Verdict::Allowed(rule),
                Err(denied) => Verdict::Denied(denied),
            },
        });
    }

    fn note(&mut self, text: &str) {
        self.explanation.notes.push(text.to_owned());
    }
}

impl Explanation {
    /// Whether all of it is allowed.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.parts
            .iter()
            .all(|part| matches!(part.verdict, Verdict::Allowed(_)))
    }

    /// The answer for machines.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "allowed": self.is_allowed(),
            "parts": self.parts.iter().map(Part::to_json).collect::<Vec<_>>(),
            "notes": self.notes,
        })
    }
}

impl Part {
    fn to_json(&self) -> Value {
        let steps: Vec<Value> = self.steps.iter().map(Looked::to_json).collect();
        let mut part = json!({
            "operation": self.operation.name(),
            "title": self.title,
            "steps": steps,
        });
        let verdict = match &self.verdict {
            Verdict::Allowed(rule) => json!({
                "allowed": true,
                "rule": rule.map(Rule::name),
            }),
            Verdict::Denied(denied) => json!({
                "allowed": false,
                "rule": denied.rule.map(Rule::name),
                (denied.kind): { "code": denied.code, "message": denied.message },
                "why": denied.why,
                "changes": denied.changes,
            }),
        };
        if let (Value::Object(part), Value::Object(verdict)) = (&mut part, verdict) {
            part.extend(verdict);
        }
        part
    }
}

impl Looked {
    fn to_json(&self) -> Value {
        let option = self
            .held
            .as_ref()
            .map(|held| json!({ "key": held.key, "value": held.value, "origin": held.origin }));
        json!({
            "rule": self.step.rule.name(),
            "outcome": self.step.outcome.name(),
            "finding": self.step.finding,
            "option": option,
        })
    }
}

/// A refusal of the rules, for people.
fn denied(refusal: Refusal) -> Denied {
    let error = |code: ErrorCode| ("error", code.0, code.message().to_owned());
    let (told, rule, why, changes) = match refusal {
        Refusal::Denied(denial) => {
            let told = match denial.answer {
                Answer::Error(code) => error(code),
                Answer::Disconnect(end) => {
                    ("disconnect", u32::from(end.code), end.reason.into_owned())
                }
            };
            let changes = denial.changes.iter().map(ToString::to_string).collect();
            (told, denial.rule, denial.why, changes)
        }
        Refusal::Reply(reply) => {
            let why = reply.why.clone().unwrap_or_default().into_owned();
            (error(reply.code), None, why, Vec::new())
        }
        Refusal::Disconnect(end) => {
            let told = ("disconnect", u32::from(end.code), end.reason.into_owned());
            (told, None, String::new(), Vec::new())
        }
    };
    Denied {
        kind: told.0,
        code: told.1,
        message: told.2,
        rule,
        why,
        changes,
    }
}

/// What a session answers to a token that is not accepted.
fn refuse_token(rule: Rule, error: &TokenError, is_connection: bool) -> Denied {
    let (kind, code, message) = match (error, is_connection) {
        (TokenError::Expired(_), _) => ("error", 109, "token expired"),
        (TokenError::Failed(_), _) => ("error", 100, "internal server error"),
        (TokenError::Invalid(_), true) => ("disconnect", 3500, "invalid token"),
        (TokenError::Invalid(_), false) => ("error", 103, "permission denied"),
    };
    let change = match error {
        TokenError::Failed(_) => "make the keys reachable for the server, or try again later",
        _ => "make another token (veche gentoken and gensubtoken make samples)",
    };
    let what = if is_connection {
        "connection"
    } else {
        "subscription"
    };
    Denied {
        kind,
        code,
        message: message.to_owned(),
        rule: Some(rule),
        why: format!("the {what} token is refused: {}", error.why()),
        changes: vec![change.to_owned()],
    }
}

/// The connection that a token is for, or any.
fn client(claims: Option<&SubscriptionClaims>) -> ClientId {
    claims
        .and_then(|claims| claims.client.parse().ok())
        .unwrap_or_else(|| ClientId::from_random([0; 16]))
}

/// Data to publish: what is given, or something that every format takes.
fn data(given: Option<&str>) -> Payload {
    Payload::detect(given.unwrap_or("{}").to_owned().into())
}

fn person(user: &UserId) -> String {
    if user.is_anonymous() {
        "an anonymous user".to_owned()
    } else {
        format!("user {user:?}")
    }
}

#[cfg(test)]
mod tests;
