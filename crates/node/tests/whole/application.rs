//! An application that tells the test who asks what, and answers what the test says: at once, later, or never.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use tokio::sync::oneshot;
use veche_engine::pending::Pending;
use veche_node::authority::{Authority, Caller};
use veche_protocol::claims::{
    ConnectionClaims, SubscriptionClaims, SubscriptionOptions, TokenError,
};
use veche_protocol::disconnect::Disconnect;
use veche_protocol::error_code::{CommandError, ErrorCode};
use veche_protocol::headers::Headers;
use veche_protocol::identity::UserId;
use veche_protocol::payload::Payload;
use veche_session::application::{
    ConnectRequest, ConnectResult, Denial, PublishRequest, PublishResult, RefreshResult, Request,
    Response, RpcRequest, SubRefreshRequest, SubscribeRequest, Verdict,
};

use crate::client::PATIENCE;
use crate::server::Server;

/// The test's side of the application.
#[derive(Debug)]
pub(crate) struct Backend {
    calls: Receiver<Call>,
    at_once: Arc<Mutex<VecDeque<Response>>>,
}

/// A question that came.
#[derive(Debug)]
pub(crate) struct Call {
    /// Who asks: the user, the transport, the protocol.
    pub(crate) who: (String, &'static str, &'static str),
    pub(crate) client: String,
    pub(crate) meta: Option<Payload>,
    pub(crate) headers: Option<Headers>,
    pub(crate) emulated_headers: Option<Headers>,
    pub(crate) request: Request,
    answer: Option<oneshot::Sender<Response>>,
}

impl Backend {
    /// An application, and what a node asks.
    pub(crate) fn new() -> (Self, Arc<dyn Authority>) {
        let (tell, calls) = channel();
        let at_once = Arc::default();
        let asked = Asked {
            tell: Mutex::new(tell),
            at_once: Arc::clone(&at_once),
        };
        (Self { calls, at_once }, Arc::new(asked))
    }

    /// The next question.
    pub(crate) fn call(&self) -> Call {
        let call = self.calls.recv_timeout(PATIENCE);
        call.expect("the application is asked")
    }

    /// Answers a later question on the worker's thread, as soon as it comes.
    pub(crate) fn answer_at_once(&self, response: Response) {
        let mut at_once = self.at_once.lock().expect("no test failed with it");
        at_once.push_back(response);
    }
}

impl Call {
    /// Waits until the node has dropped the call.
    pub(crate) fn dropped(mut self, server: &Server) {
        let answer = self.answer.as_mut().expect("it was not answered at once");
        let dropped = async { tokio::time::timeout(PATIENCE, answer.closed()).await };
        let dropped = server.runtime.block_on(dropped);
        dropped.expect("the node has dropped the call");
    }

    /// Answers. Nobody may wait for it any more.
    pub(crate) fn answer(self, response: Response) {
        let answer = self.answer.expect("it was not answered at once");
        drop(answer.send(response));
    }
}

/// An error of the application.
pub(crate) fn error(code: u32) -> Denial {
    Denial::Error(Box::new(CommandError {
        code: ErrorCode(code),
        message: "says the application".into(),
        temporary: false,
        why: None,
    }))
}

/// A disconnect of the application.
pub(crate) fn disconnect(code: u16) -> Denial {
    Denial::Disconnect(Disconnect::new(code, "says the application"))
}

/// JSON.
pub(crate) fn json(text: &'static str) -> Payload {
    Payload::json(text.as_bytes().into())
}

#[derive(Debug)]
struct Asked {
    tell: Mutex<Sender<Call>>,
    at_once: Arc<Mutex<VecDeque<Response>>>,
}

impl Asked {
    fn ask<T: Send + 'static>(
        &self,
        caller: &Caller<'_>,
        request: Request,
        read: fn(Response) -> Option<Verdict<T>>,
    ) -> Pending<Verdict<T>> {
        let at_once = self.at_once.lock().expect("no test failed with it");
        let at_once = { at_once }.pop_front();
        let (answer, later) = oneshot::channel();
        let call = Call {
            who: (
                caller.user.as_str().to_owned(),
                caller.transport,
                caller.protocol,
            ),
            client: caller.client.to_string(),
            meta: caller.meta.cloned(),
            headers: caller.headers.cloned(),
            emulated_headers: caller.emulated_headers.cloned(),
            request,
            answer: at_once.is_none().then_some(answer),
        };
        // The test may have ended.
        drop(self.tell.lock().expect("no test failed with it").send(call));
        let read = move |response| read(response).expect("the answer is to this question");
        match at_once {
            Some(response) => Pending::Ready(read(response)),
            None => Pending::Later(Box::pin(async move {
                later.await.map_or(Err(Denial::Failed), read)
            })),
        }
    }
}

/// Names are tokens: `anna` is the connection token of anna, whose meta is her name.
impl Authority for Asked {
    fn connection_token(
        &self,
        _caller: &Caller<'_>,
        token: &str,
        _now: i64,
    ) -> Pending<Result<Box<ConnectionClaims>, TokenError>> {
        Pending::Ready(Ok(Box::new(ConnectionClaims {
            user: UserId::new(token),
            meta: Some(Payload::json(format!("{token:?}").into())),
            ..ConnectionClaims::default()
        })))
    }

    fn subscription_token(
        &self,
        caller: &Caller<'_>,
        token: &str,
        _now: i64,
    ) -> Pending<Result<Box<SubscriptionClaims>, TokenError>> {
        Pending::Ready(Ok(Box::new(SubscriptionClaims {
            user: caller.user.clone(),
            channel: token.to_owned(),
            ..SubscriptionClaims::default()
        })))
    }

    fn connect(
        &self,
        caller: &Caller<'_>,
        request: ConnectRequest,
    ) -> Pending<Verdict<Option<Box<ConnectResult>>>> {
        let request = Request::Connect(Box::new(request));
        self.ask(caller, request, |response| match response {
            Response::Connect(verdict) => Some(verdict),
            _ => None,
        })
    }

    fn refresh(&self, caller: &Caller<'_>) -> Pending<Verdict<Box<RefreshResult>>> {
        self.ask(caller, Request::Refresh, |response| match response {
            Response::Refresh(verdict) => Some(verdict),
            _ => None,
        })
    }

    fn subscribe(
        &self,
        caller: &Caller<'_>,
        request: SubscribeRequest,
    ) -> Pending<Verdict<Box<SubscriptionOptions>>> {
        let request = Request::Subscribe(Box::new(request));
        self.ask(caller, request, |response| match response {
            Response::Subscribe(verdict) => Some(verdict),
            _ => None,
        })
    }

    fn publish(
        &self,
        caller: &Caller<'_>,
        request: PublishRequest,
    ) -> Pending<Verdict<Box<PublishResult>>> {
        let request = Request::Publish(Box::new(request));
        self.ask(caller, request, |response| match response {
            Response::Publish(verdict) => Some(verdict),
            _ => None,
        })
    }

    fn sub_refresh(
        &self,
        caller: &Caller<'_>,
        request: SubRefreshRequest,
    ) -> Pending<Verdict<Box<RefreshResult>>> {
        let request = Request::SubRefresh(Box::new(request));
        self.ask(caller, request, |response| match response {
            Response::SubRefresh(verdict) => Some(verdict),
            _ => None,
        })
    }

    fn rpc(&self, caller: &Caller<'_>, request: RpcRequest) -> Pending<Verdict<Option<Payload>>> {
        let request = Request::Rpc(Box::new(request));
        self.ask(caller, request, |response| match response {
            Response::Rpc(verdict) => Some(verdict),
            _ => None,
        })
    }
}
