//! Who connects: by a token, by the application's word, or by what the rules believe.

use veche_protocol::claims::{ConnectionClaims, TokenError};
use veche_protocol::command;
use veche_protocol::error_code::ErrorCode;
use veche_protocol::headers::Headers;
use veche_protocol::identity::{App, UserId};

use super::connecting::Connecting;
use crate::application::{ConnectRequest, ConnectResult, Request, Verdict};
use crate::authorities::{self, Credentials, Proof};
use crate::effect::Effects;
use crate::permission;
use crate::question::Question;
use crate::rule::{Rule, Silent};
use crate::session::Session;
use crate::session::pending::PendingQuestion;
use crate::session::phase::Phase;
use crate::subscription::Source;
use crate::turn::Turn;

impl Session {
    pub(crate) fn handle_connect(
        &mut self,
        id: u32,
        connect: command::Connect,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        self.keep_headers(&connect.headers, turn);
        self.phase = Phase::Connecting(Box::new(Connecting {
            id,
            app: App::new(&connect.name, &connect.version).map(Box::new),
            name_login: connect.name_login,
            may_log_in: connect.may_log_in,
            ..Connecting::default()
        }));
        let credentials = Credentials {
            has_token: !connect.token.is_empty(),
            ..self.credentials()
        };
        let proof = authorities::connect(turn.rules, credentials);
        let question = match proof {
            Proof::Token => Some(Question::ConnectionToken {
                token: connect.token,
            }),
            Proof::Application => {
                let request = Request::Connect(Box::new(ConnectRequest {
                    name: connect.name,
                    version: connect.version,
                    channels: connect.subs.iter().map(|(name, _)| name.clone()).collect(),
                    data: connect.data,
                }));
                Some(Question::Application(request))
            }
            Proof::Name | Proof::Header | Proof::Nothing => None,
        };
        if let Phase::Connecting(connecting) = &mut self.phase {
            connecting.subs = connect.subs;
        }
        match question {
            Some(question) => self.ask(PendingQuestion::Connect, question, effects),
            None => self.connect_by(proof, turn, effects),
        }
    }

    /// What the client has to connect with, but for a token.
    fn credentials(&self) -> Credentials {
        let has_name = match &self.phase {
            Phase::Connecting(connecting) => connecting.name_login.is_some(),
            _ => false,
        };
        Credentials {
            has_token: false,
            has_name,
            has_header: !self.user.is_anonymous(),
        }
    }

    /// Connects without asking anybody.
    fn connect_by(&mut self, proof: Proof, turn: &Turn<'_>, effects: &mut Effects) {
        let Phase::Connecting(connecting) = &self.phase else {
            return;
        };
        let user = match (proof, &connecting.name_login) {
            (Proof::Name, Some(name)) => UserId::new(name),
            (Proof::Header, _) => self.user.clone(),
            _ => UserId::default(),
        };
        let refused = match permission::connect(turn.rules, &user, proof, &mut Silent) {
            Ok(_) => None,
            Err(_) if proof == Proof::Nothing && connecting.may_log_in => {
                Some(ErrorCode::UNAUTHORIZED.into())
            }
            Err(refusal) => Some(refusal),
        };
        if let Some(refusal) = refused {
            return self.refuse_connect(refusal, turn, effects);
        }
        let claims = ConnectionClaims {
            user,
            ..ConnectionClaims::default()
        };
        self.identify(claims, Source::ConnectionToken, turn, effects);
    }

    /// The application has said who the client is, or that it does not know.
    pub(crate) fn handle_connect_result(
        &mut self,
        result: Verdict<Option<Box<ConnectResult>>>,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        match result {
            Ok(Some(result)) => {
                let ConnectResult { claims, data } = *result;
                if let Phase::Connecting(connecting) = &mut self.phase {
                    connecting.data = data;
                }
                self.identify(claims, Source::ConnectProxy, turn, effects);
            }
            Ok(None) => {
                let proof = authorities::connect_unknown(self.credentials());
                self.connect_by(proof, turn, effects);
            }
            Err(denial) => {
                let refusal = denial.into_refusal(Rule::ConnectProxy);
                self.refuse_connect(refusal, turn, effects);
            }
        }
    }

    /// Keeps those headers of the command that the application wants.
    fn keep_headers(&mut self, headers: &[(String, String)], turn: &Turn<'_>) {
        let headers = headers.iter();
        let headers = headers.map(|(name, value)| (name.as_str(), value.as_str()));
        let kept = Headers::new(&turn.rules.client.emulated_headers, headers);
        self.set_emulated_headers(kept);
    }

    pub(crate) fn handle_connection_token(
        &mut self,
        token: Result<Box<ConnectionClaims>, TokenError>,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        match permission::connect_by_token(turn.rules, token, &mut Silent) {
            Ok((claims, _)) => self.identify(claims, Source::ConnectionToken, turn, effects),
            Err(refusal) => self.refuse_connect(refusal, turn, effects),
        }
    }
}
