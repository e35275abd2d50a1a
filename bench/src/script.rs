//! What all clients say alike: the request, the first commands.

use veche_websocket::handshake::client::{Request, key};

use crate::clock::Clock;
use crate::dialect::Dialect;
use crate::options::Options;
use crate::plan::Plan;

/// Bytes and rules that do not differ between clients.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) dialect: Dialect,
    pub(crate) clock: Clock,
    channels: Vec<String>,
    request: Vec<u8>,
    /// The same for all clients of a run: no server remembers it.
    key: String,
    connect: Option<Vec<u8>>,
}

impl Script {
    /// # Errors
    /// In words, if the path or the token cannot stand in a request.
    pub(crate) fn new(options: &Options, plan: &Plan, clock: Clock) -> Result<Self, String> {
        let dialect = options.dialect;
        let key = key(fastrand::u128(..).to_be_bytes());
        let token = options.token.as_deref();
        let bearer = token
            .filter(|_| dialect.token_in_header())
            .map(|token| format!("Bearer {token}"));
        // No `Origin`: that is a browser's, and servers ask it where it comes from.
        let headers: Vec<_> = bearer
            .iter()
            .map(|bearer| ("Authorization", bearer.as_str()))
            .collect();
        let request = Request {
            host: &options.target.host,
            target: &options.target.path,
            key: &key,
            protocols: dialect.subprotocols(),
            deflate: false,
            headers: &headers,
        };
        let mut bytes = Vec::new();
        request
            .write(&mut bytes)
            .map_err(|error| error.to_string())?;
        Ok(Self {
            dialect,
            clock,
            channels: plan.channels.clone(),
            request: bytes,
            connect: dialect.connect(token),
            key,
        })
    }

    /// The request to upgrade.
    pub(crate) fn request(&self) -> &[u8] {
        &self.request
    }

    /// The first command, where the client speaks first.
    pub(crate) fn connect(&self) -> Option<&[u8]> {
        self.connect.as_deref()
    }

    pub(crate) fn subscribe(&self, channel: u32) -> Vec<u8> {
        self.dialect.subscribe(self.channel(channel))
    }

    /// A channel's name.
    pub(crate) fn channel(&self, channel: u32) -> &str {
        let index = usize::try_from(channel).unwrap_or(usize::MAX);
        self.channels.get(index).map_or("", String::as_str)
    }

    /// Where the head of the answer ends, if it is complete and says yes.
    pub(crate) fn check_answer(&self, bytes: &[u8]) -> Result<Option<usize>, String> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut answer = httparse::Response::new(&mut headers);
        let end = match answer.parse(bytes) {
            Ok(httparse::Status::Complete(end)) => end,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(error) => return Err(format!("the server's answer is not HTTP: {error}")),
        };
        let asked = Request {
            host: "",
            target: "",
            key: &self.key,
            protocols: self.dialect.subprotocols(),
            deflate: false,
            headers: &[],
        };
        let headers = answer
            .headers
            .iter()
            .map(|header| (header.name, header.value));
        let agreed = asked.check(answer.code.unwrap_or_default(), headers);
        agreed.map_err(|error| error.to_string())?;
        Ok(Some(end))
    }
}

const MAX_HEADERS: usize = 64;
