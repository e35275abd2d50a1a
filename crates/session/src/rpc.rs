//! `rpc`: a call of the application.

use veche_protocol::command;
use veche_protocol::error_code::{CommandError, ErrorCode};
use veche_protocol::payload::Payload;
use veche_protocol::reply;

use crate::application::{Request, RpcRequest, Verdict};
use crate::authorities::{self, RpcAuthority};
use crate::effect::Effects;
use crate::question::Question;
use crate::refusal::{About, Refusal};
use crate::rule::Rule;
use crate::rules::Rules;
use crate::session::Session;
use crate::session::pending::PendingQuestion;
use crate::turn::Turn;

impl Session {
    pub(crate) fn handle_rpc(
        &mut self,
        id: u32,
        request: command::Rpc,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        match authorities::rpc(turn.rules, &request.method) {
            RpcAuthority::Ping => self.reply(id, reply::Body::Rpc(None), effects),
            RpcAuthority::Application(proxy) => {
                let question = Question::Application(Request::Rpc(Box::new(RpcRequest {
                    proxy: proxy.clone(),
                    method: request.method,
                    data: request.data,
                })));
                self.ask(PendingQuestion::Rpc(id), question, effects);
            }
            RpcAuthority::Nobody => {
                let refusal = no_method(turn.rules, &request.method);
                self.refuse(About::connection(id, "rpc"), refusal, turn, effects);
            }
        }
    }

    pub(crate) fn handle_rpc_result(
        &mut self,
        id: u32,
        result: Verdict<Option<Payload>>,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        match result {
            Ok(data) => self.reply(id, reply::Body::Rpc(data), effects),
            Err(denial) => {
                let refusal = denial.into_refusal(Rule::RpcProxy);
                self.refuse(About::connection(id, "rpc"), refusal, turn, effects);
            }
        }
    }
}

/// The refusal of a method that nobody answers. Where no method is answered at all the feature is off.
fn no_method(rules: &Rules, method: &str) -> Refusal {
    let rpc = &rules.rpc;
    let is_off = rpc.ping.is_none() && rpc.without_namespace.is_none() && rpc.namespaces.is_empty();
    let code = if is_off {
        ErrorCode::NOT_AVAILABLE
    } else {
        ErrorCode::METHOD_NOT_FOUND
    };
    let why = format!(
        "nothing answers the method {method:?}: no backend is configured for calls (rpc.proxy)"
    );
    CommandError::because(code, why).into()
}
