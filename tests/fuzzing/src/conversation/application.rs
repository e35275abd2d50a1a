//! An application that answers as the input says: at once or later, and rightly or not.

use veche_auth::token::Verifier;
use veche_engine::pending::Pending;
use veche_node::authority::{Authority, Caller};
use veche_protocol::claims::{
    ConnectionClaims, Overrides, SubscriptionClaims, SubscriptionOptions, TokenError,
};
use veche_protocol::disconnect::Disconnect;
use veche_protocol::error_code::{CommandError, ErrorCode};
use veche_protocol::payload::Payload;
use veche_session::application::{
    ConnectRequest, ConnectResult, Denial, PublishRequest, PublishResult, RefreshResult,
    RpcRequest, SubRefreshRequest, SubscribeRequest, Verdict,
};

/// An application whose tokens are signed with the key of [`crate::tokens`]. The sum of the bytes of a question decides
/// how it is answered.
#[derive(Debug)]
pub(super) struct Application(pub(super) Verifier);

/// What decides about an answer.
#[derive(Clone, Copy)]
struct Dice(u32);

impl Dice {
    fn of(bytes: &[u8]) -> Self {
        Self(bytes.iter().map(|byte| u32::from(*byte)).sum())
    }

    fn of_payload(data: Option<&Payload>) -> Self {
        Self::of(data.map_or(&[][..], |data| data.bytes()))
    }

    fn bit(self, at: u32) -> bool {
        self.0 & (1 << at) != 0
    }

    /// When it is answered.
    fn answer<T: Send + 'static>(self, verdict: Verdict<T>) -> Pending<Verdict<T>> {
        match self.0 % 4 {
            0 | 1 => Pending::Ready(verdict),
            2 => Pending::Later(Box::pin(async move { verdict })),
            _ => Pending::Later(Box::pin(async move {
                for _ in 0..self.0 % 64 {
                    tokio::task::yield_now().await;
                }
                verdict
            })),
        }
    }

    /// What is answered: mostly what is granted.
    fn verdict<T>(self, granted: T) -> Verdict<T> {
        match self.0 / 4 % 8 {
            0 => Err(Denial::Failed),
            1 => Err(Denial::Error(Box::new(CommandError {
                code: ErrorCode(self.0),
                message: "no".into(),
                temporary: self.bit(0),
                why: None,
            }))),
            2 => {
                let code = u16::try_from(self.0 % 8192).unwrap_or(0);
                Err(Denial::Disconnect(Disconnect::new(code, "no")))
            }
            _ => Ok(granted),
        }
    }

    fn options(self) -> SubscriptionOptions {
        let wish = |at: u32| self.bit(at).then(|| self.bit(at + 1));
        SubscriptionOptions {
            data: self.bit(0).then(|| Payload::json("{}".into())),
            expire_at: self.bit(1).then_some(1_700_000_000 + i64::from(self.0)),
            overrides: Overrides {
                presence: wish(2),
                join_leave: wish(3),
                force_push_join_leave: wish(4),
                force_recovery: wish(5),
                force_positioning: wish(6),
            },
            ..SubscriptionOptions::default()
        }
    }

    fn refreshed(self) -> Box<RefreshResult> {
        Box::new(RefreshResult {
            expired: self.bit(3),
            expire_at: self.bit(4).then_some(1_700_000_100 + i64::from(self.0)),
            info: self.bit(5).then(|| Payload::json("1".into())),
            meta: None,
        })
    }
}

impl Authority for Application {
    fn connection_token(
        &self,
        _caller: &Caller<'_>,
        token: &str,
        now: i64,
    ) -> Pending<Result<Box<ConnectionClaims>, TokenError>> {
        Pending::Ready(self.0.verify_connection(token, now, None).map(Box::new))
    }

    fn subscription_token(
        &self,
        _caller: &Caller<'_>,
        token: &str,
        now: i64,
    ) -> Pending<Result<Box<SubscriptionClaims>, TokenError>> {
        Pending::Ready(self.0.verify_subscription(token, now, None).map(Box::new))
    }

    /// Clients that send no data are unknown. None is refused by an error: what it asks behind that is not answered.
    fn connect(
        &self,
        _caller: &Caller<'_>,
        request: ConnectRequest,
    ) -> Pending<Verdict<Option<Box<ConnectResult>>>> {
        let Some(data) = request.data else {
            return Pending::Ready(Ok(None));
        };
        let dice = Dice::of(data.bytes());
        let channels = request.channels.into_iter();
        let known = channels.filter(|name| !name.contains(':'));
        let options = SubscriptionOptions {
            expire_at: None,
            ..dice.options()
        };
        let result = ConnectResult {
            claims: ConnectionClaims {
                user: if dice.bit(5) { "ann" } else { "" }.into(),
                meta: Some(data.clone()),
                subs: known.map(|name| (name, options.clone())).collect(),
                ..ConnectionClaims::default()
            },
            data: Some(data),
        };
        let verdict = dice.verdict((!dice.bit(7)).then(|| Box::new(result)));
        let end = Denial::Disconnect(Disconnect::new(4000, "no"));
        dice.answer(verdict.map_err(|_| end))
    }

    fn subscribe(
        &self,
        _caller: &Caller<'_>,
        request: SubscribeRequest,
    ) -> Pending<Verdict<Box<SubscriptionOptions>>> {
        let dice = Dice::of_payload(request.data.as_ref());
        dice.answer(dice.verdict(Box::new(dice.options())))
    }

    fn publish(
        &self,
        _caller: &Caller<'_>,
        request: PublishRequest,
    ) -> Pending<Verdict<Box<PublishResult>>> {
        let dice = Dice::of(request.data.bytes());
        let result = PublishResult {
            data: dice.bit(5).then(|| Payload::json("{}".into())),
            skip_history: dice.bit(6),
            tags: [("a".into(), "b".into())].into(),
            idempotency_key: "k".repeat(usize::try_from(dice.0 % 300).unwrap_or(0)),
            delta: dice.bit(7),
            version: u64::from(dice.0 % 3),
            version_epoch: String::new(),
        };
        dice.answer(dice.verdict(Box::new(result)))
    }

    fn sub_refresh(
        &self,
        caller: &Caller<'_>,
        request: SubRefreshRequest,
    ) -> Pending<Verdict<Box<RefreshResult>>> {
        let channel = request.channel.as_str().as_bytes();
        let dice = Dice(Dice::of(channel).0 + Dice::of(caller.user.as_str().as_bytes()).0);
        dice.answer(dice.verdict(dice.refreshed()))
    }

    /// Calls come back as they came, if they do.
    fn rpc(&self, _caller: &Caller<'_>, request: RpcRequest) -> Pending<Verdict<Option<Payload>>> {
        if request.method.is_empty() {
            return Pending::Later(Box::pin(async move { Ok(request.data) }));
        }
        let dice = Dice::of_payload(request.data.as_ref());
        dice.answer(dice.verdict(request.data))
    }
}
