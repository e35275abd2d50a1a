//! Questions of sessions that go to the application: who asks is added here, and calls are dropped with their client.

use std::collections::HashMap;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use tokio::task::AbortHandle;
use veche_engine::pending::Pending;
use veche_protocol::batch::Encoding;
use veche_session::application::{Denial, Request, Response, Verdict};
use veche_session::question::{Answer, Ask};

use crate::authority::Caller;
use crate::connection::{Open, Talk};
use crate::context::Context;
use crate::inbox::ConnectionKey;

/// The calls of the application that are under way for the clients of a worker: at most `client.concurrency` for each,
/// and those about times that have run out.
#[derive(Debug, Default)]
pub(crate) struct Calls(HashMap<u32, Vec<Call>>);

#[derive(Debug)]
struct Call {
    connection: ConnectionKey,
    ask: Ask,
    task: AbortHandle,
}

impl Calls {
    /// Asks the application for a session. The answer comes now or later.
    pub(crate) fn ask(
        &mut self,
        key: ConnectionKey,
        ask: Ask,
        caller: &Caller<'_>,
        request: Request,
        context: &Context,
    ) -> Option<Answer> {
        let authority = context.node().authority();
        let place = (key, ask, context);
        match request {
            Request::Connect(request) => {
                let result = authority.connect(caller, *request);
                self.pend(place, result, Response::Connect)
            }
            Request::Refresh => {
                let result = authority.refresh(caller);
                self.pend(place, result, Response::Refresh)
            }
            Request::Subscribe(request) => {
                let result = authority.subscribe(caller, *request);
                self.pend(place, result, Response::Subscribe)
            }
            Request::Publish(request) => {
                let result = authority.publish(caller, *request);
                self.pend(place, result, Response::Publish)
            }
            Request::SubRefresh(request) => {
                let result = authority.sub_refresh(caller, *request);
                self.pend(place, result, Response::SubRefresh)
            }
            Request::Rpc(request) => {
                let result = authority.rpc(caller, *request);
                self.pend(place, result, Response::Rpc)
            }
        }
    }

    fn pend<T: Send + 'static>(
        &mut self,
        (connection, ask, context): (ConnectionKey, Ask, &Context),
        pending: Pending<Verdict<T>>,
        response: impl FnOnce(Verdict<T>) -> Response + Send + 'static,
    ) -> Option<Answer> {
        let answer = |result| Answer::Application(response(result));
        match pending {
            Pending::Ready(result) => Some(answer(result)),
            Pending::Later(future) => {
                let future = or_failed(future);
                let task =
                    context.answer_later(connection, ask, future, |result, _| answer(result));
                let call = Call {
                    connection,
                    ask,
                    task,
                };
                self.0.entry(connection.slot).or_default().push(call);
                None
            }
        }
    }

    /// An answer has come for a session.
    pub(crate) fn finish(&mut self, connection: ConnectionKey, ask: Ask) {
        // Most answers come while the application is asked nothing; then no hash is computed.
        if self.0.is_empty() {
            return;
        }
        let Some(calls) = self.0.get_mut(&connection.slot) else {
            return;
        };
        calls.retain(|call| call.connection != connection || call.ask != ask);
        if calls.is_empty() {
            self.0.remove(&connection.slot);
        }
    }

    /// Drops the calls for a client, because its conversation ends: nobody waits for the answers any more.
    pub(crate) fn drop_of(&mut self, slot: u32) {
        if self.0.is_empty() {
            return;
        }
        for call in self.0.remove(&slot).into_iter().flatten() {
            call.task.abort();
        }
    }
}

/// The answer of a call. One that panics has failed: somebody waits for the answer.
async fn or_failed<T>(call: impl Future<Output = Verdict<T>>) -> Verdict<T> {
    let mut call = pin!(call);
    poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(context)));
        polled.unwrap_or_else(|_| {
            tracing::error!("a call of the application failed; its client gets error 100");
            Poll::Ready(Err(Denial::Failed))
        })
    })
    .await
}

impl Open {
    /// Who asks, for an authority; `None` where there is no session.
    pub(crate) fn caller(&self) -> Option<Caller<'_>> {
        let session = self.talk.session()?;
        Some(Caller {
            client: session.client(),
            user: session.user(),
            transport: session.profile().transport.name(),
            protocol: self.protocol(),
            meta: session.meta(),
            headers: session.headers(),
            emulated_headers: session.emulated_headers(),
        })
    }

    /// What is spoken, as it is named in lists of connections and to the application.
    pub(crate) fn protocol(&self) -> &'static str {
        match &self.talk {
            Talk::Centrifuge {
                encoding: Encoding::Protobuf,
                ..
            } => "protobuf",
            Talk::Centrifuge { .. } => "json",
            Talk::Plain { .. } | Talk::Echo => "plain",
        }
    }
}
