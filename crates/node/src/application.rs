//! Questions of sessions that go to the authority: who asks is added here.

use veche_engine::pending::Pending;
use veche_protocol::batch::Encoding;
use veche_session::application::{Request, Response};
use veche_session::question::{Answer, Ask};
use veche_session::session::Session;

use crate::authority::Caller;
use crate::connection::{Open, Talk};
use crate::inbox::ConnectionKey;
use crate::worker::context::Context;

impl Context {
    /// Asks the application for a session.
    pub(crate) fn ask_application(
        &self,
        key: ConnectionKey,
        ask: Ask,
        caller: &Caller<'_>,
        request: Request,
    ) -> Option<Answer> {
        let authority = self.node().authority();
        match request {
            Request::Connect(request) => {
                let result = authority.connect(caller, *request);
                self.pend_application(key, ask, result, Response::Connect)
            }
            Request::Refresh => {
                let result = authority.refresh(caller);
                self.pend_application(key, ask, result, Response::Refresh)
            }
            Request::Subscribe(request) => {
                let result = authority.subscribe(caller, *request);
                self.pend_application(key, ask, result, Response::Subscribe)
            }
            Request::Publish(request) => {
                let result = authority.publish(caller, *request);
                self.pend_application(key, ask, result, Response::Publish)
            }
            Request::SubRefresh(request) => {
                let result = authority.sub_refresh(caller, *request);
                self.pend_application(key, ask, result, Response::SubRefresh)
            }
            Request::Rpc(request) => {
                let result = authority.rpc(caller, *request);
                self.pend_application(key, ask, result, Response::Rpc)
            }
        }
    }

    fn pend_application<T: Send + 'static>(
        &self,
        key: ConnectionKey,
        ask: Ask,
        pending: Pending<T>,
        response: impl FnOnce(T) -> Response + Send + 'static,
    ) -> Option<Answer> {
        self.pend(key, ask, pending, |result, _| {
            Answer::Application(response(result))
        })
    }
}

impl Open {
    /// Who asks, for an authority; `None` where there is no session.
    pub(crate) fn caller(&self) -> Option<Caller<'_>> {
        let session: &Session = self.talk.session()?;
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
