//! The examination: what is looked at, in which order, and what each finding means.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::advice;
use crate::check::{Check, Mark, Report};
use crate::http::{self, NoResponse, Response};
use crate::target::Target;
use crate::tls::Tls;
use crate::wire::{self, Wire};

mod certificate;
mod talk;
mod upgrade;
mod watch;

use talk::Talk;
use upgrade::{Ask, Upgraded};

/// What to look at, and how long.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address.
    pub target: Target,
    /// A connection token, for a server that wants one.
    pub token: Option<String>,
    /// The origin of the pages that will connect.
    pub origin: Option<String>,
    /// How long the idle connection is watched; `None` is until the second ping, zero not at all.
    pub watch: Option<Duration>,
    /// How long each step may take.
    pub timeout: Duration,
    /// A reply that takes longer is worth a word.
    pub slow: Duration,
    /// The authorities to trust, X.509 in DER, instead of those of this machine.
    pub authorities: Option<Vec<Vec<u8>>>,
}

/// What is happening, for whoever waits.
#[derive(Debug)]
pub enum Progress<'a> {
    /// Something was looked at.
    Checked(&'a Check),
    /// This is looked at now; it may take a while.
    Looking(&'static str),
    /// An idle connection is watched; told every second.
    Watching {
        /// Since when.
        elapsed: Duration,
        /// How long it takes at the most.
        longest: Duration,
        /// Pings that have come.
        pings: u32,
    },
}

impl Options {
    /// Everything about an address, with the usual patience.
    #[must_use]
    pub fn new(target: Target) -> Self {
        Self {
            target,
            token: None,
            origin: None,
            watch: None,
            timeout: Duration::from_secs(10),
            slow: Duration::from_secs(1),
            authorities: None,
        }
    }
}

/// Looks at everything, and tells each finding as soon as it is there.
pub fn examine(options: &Options, tell: &mut dyn FnMut(Progress<'_>)) -> Report {
    let mut examination = Examination {
        options,
        tell,
        report: Report::default(),
        address: None,
        tls: None,
    };
    // A step that fails for good has told so.
    let _ = examination.run();
    examination.report
}

/// The rest cannot be looked at.
struct Over;

struct Examination<'a> {
    options: &'a Options,
    tell: &'a mut dyn FnMut(Progress<'_>),
    report: Report,
    /// The address that answered.
    address: Option<SocketAddr>,
    tls: Option<Tls>,
}

impl Examination<'_> {
    fn run(&mut self) -> Result<(), Over> {
        self.looking("name");
        let addresses = self.name()?;
        self.looking("reach");
        self.reach(&addresses)?;
        self.looking("certificate");
        self.certificate()?;
        self.looking("health");
        self.health();
        self.looking("upgrade");
        let upgraded = self.upgrade()?;
        self.compression(&upgraded);
        self.looking("origin");
        self.origin();
        let mut talk = Talk::begin(upgraded, self.deadline());
        self.looking("connect");
        self.connect(&mut talk)?;
        self.looking("replies");
        self.latency(&mut talk)?;
        self.watch(talk);
        Ok(())
    }

    /// What the name stands for.
    fn name(&mut self) -> Result<Vec<SocketAddr>, Over> {
        let target = &self.options.target;
        let host = &target.host;
        let addresses = match wire::resolve(target) {
            Ok(addresses) if !addresses.is_empty() => addresses,
            Ok(_) => {
                let found = format!("{host} stands for no address");
                return self.give_up(Check::new("name", Mark::Wrong, found));
            }
            Err(error) => {
                let check =
                    Check::new("name", Mark::Wrong, format!("{host} is not found: {error}"));
                let advice = ["look at the spelling, and at the name's A and AAAA records in DNS"];
                return self.give_up(check.advising(advice));
            }
        };
        let is_name = host.parse::<std::net::IpAddr>().is_err();
        if is_name {
            let list: Vec<String> = addresses.iter().map(|it| it.ip().to_string()).collect();
            let found = format!("{host} is {}", list.join(", "));
            self.found(Check::new("name", Mark::Fine, found));
        }
        Ok(addresses)
    }

    /// Which of the addresses answer.
    fn reach(&mut self, addresses: &[SocketAddr]) -> Result<(), Over> {
        let mut dead = Vec::new();
        for address in addresses {
            match Wire::open(*address, None, self.options.timeout) {
                Ok(_) => {
                    self.address.get_or_insert(*address);
                }
                Err(error) => dead.push(format!("{address} ({error})")),
            }
        }
        let Some(address) = self.address else {
            let found = format!("nobody answers at {}", dead.join(", "));
            let advice = [
                "is the server running, and does it listen on this port (http_server.address, http_server.port)?",
                "does a firewall let the port through?",
            ];
            return self.give_up(Check::new("reach", Mark::Wrong, found).advising(advice));
        };
        let found = format!("{address} answers");
        if dead.is_empty() {
            self.found(Check::new("reach", Mark::Fine, found));
        } else {
            let found = format!("{found}, but not {}", dead.join(", "));
            let advice = [
                "clients that try that address first wait or fail: serve it, or take its record out of DNS",
            ];
            self.found(Check::new("reach", Mark::Doubtful, found).advising(advice));
        }
        Ok(())
    }

    /// What TLS and the certificate are worth.
    fn certificate(&mut self) -> Result<(), Over> {
        let target = &self.options.target;
        if !target.is_secure {
            return Ok(());
        }
        match Tls::new(target, self.options.authorities.as_deref()) {
            Ok(tls) => self.tls = Some(tls),
            Err(found) => return self.give_up(Check::new("tls", Mark::Wrong, found)),
        }
        if let Err(error) = self.wire() {
            return self.give_up(certificate::no_tls(&error));
        }
        if let Some(seen) = self.tls.as_ref().and_then(Tls::seen) {
            self.found(certificate::check(&seen, target));
        }
        Ok(())
    }

    /// Whether the health check answers.
    fn health(&mut self) {
        const NAME: &str = "health";
        let request = format!(
            "GET /health HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.options.target.authority()
        );
        let check = match self.exchange(request.as_bytes()) {
            Ok(answer) => match answer.status {
                200 => Check::new(NAME, Mark::Fine, "/health answers 200"),
                404 => Check::new(
                    NAME,
                    Mark::Note,
                    "/health answers 404: health.enabled is off, or the proxy does not pass it on",
                ),
                status @ 500.. => {
                    Check::new(NAME, Mark::Doubtful, format!("/health answers {status}")).advising(
                        ["a proxy that cannot reach the server, or a server that is not well"],
                    )
                }
                status => Check::new(NAME, Mark::Note, format!("/health answers {status}")),
            },
            Err(error) => upgrade::no_answer(NAME, &error, self.options),
        };
        self.found(check);
    }

    /// The upgrade to WebSocket.
    fn upgrade(&mut self) -> Result<Upgraded, Over> {
        let asked = Ask::new(None);
        match asked.ask(self.wire(), self.options, self.deadline()) {
            Ok(upgraded) => {
                let found = format!("{} is a WebSocket", self.options.target);
                self.found(Check::new("upgrade", Mark::Fine, found));
                Ok(upgraded)
            }
            Err(refused) => {
                let check = refused.check("upgrade", self.options);
                self.give_up(check)
            }
        }
    }

    fn compression(&mut self, upgraded: &Upgraded) {
        let check = if upgraded.deflate {
            Check::new(
                "compression",
                Mark::Fine,
                "permessage-deflate is negotiated",
            )
        } else {
            let found = "messages are not compressed: websocket.compression is off (the default), or something \
                         before the server removes the header Sec-WebSocket-Extensions";
            Check::new("compression", Mark::Note, found)
        };
        self.found(check);
    }

    /// Whether pages of the origin may connect.
    fn origin(&mut self) {
        const NAME: &str = "origin";
        let Some(origin) = &self.options.origin else {
            let found =
                "not looked at: --origin https://your.site says whether its pages may connect";
            return self.found(Check::new(NAME, Mark::Note, found));
        };
        let asked = Ask::new(Some(origin));
        let check = match asked.ask(self.wire(), self.options, self.deadline()) {
            Ok(upgraded) => {
                upgraded.conversation.leave();
                Check::new(NAME, Mark::Fine, format!("pages of {origin} may connect"))
            }
            Err(refused) if refused.status() == Some(403) => {
                let found = format!("pages of {origin} may not connect: {}", refused.words());
                let setting = format!("    \"client\": {{\"allowed_origins\": [{origin:?}]}}");
                Check::new(NAME, Mark::Wrong, found).advising([
                    "add the origin, as the browser spells it, to the configuration of the server:",
                    &setting,
                ])
            }
            Err(refused) => refused.check(NAME, self.options),
        };
        self.found(check);
    }

    /// One request on a connection of its own.
    fn exchange(&self, request: &[u8]) -> Result<Response, NoResponse> {
        let mut wire = self.wire().map_err(NoResponse::Broken)?;
        http::exchange(&mut wire, request, self.deadline())
    }

    fn wire(&self) -> std::io::Result<Wire> {
        let address = self.address.ok_or(std::io::ErrorKind::AddrNotAvailable)?;
        Wire::open(address, self.tls.as_ref(), self.options.timeout)
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.options.timeout
    }

    fn looking(&mut self, name: &'static str) {
        (self.tell)(Progress::Looking(name));
    }

    fn found(&mut self, check: Check) {
        (self.tell)(Progress::Checked(&check));
        self.report.checks.push(check);
    }

    fn give_up<T>(&mut self, check: Check) -> Result<T, Over> {
        self.found(check);
        Err(Over)
    }

    fn connect(&mut self, talk: &mut Talk) -> Result<(), Over> {
        let token = self.options.token.as_deref();
        match talk.connect(token, self.deadline()) {
            Ok(found) => {
                self.found(Check::new("connect", Mark::Fine, found));
                Ok(())
            }
            Err(check) => self.give_up(check),
        }
    }

    fn latency(&mut self, talk: &mut Talk) -> Result<(), Over> {
        match talk.latency(self.options.timeout) {
            Ok(longest) if longest > self.options.slow => {
                let found = format!("a reply took {} ms", longest.as_millis());
                let advice =
                    ["a long way, a busy server, or a proxy that holds small messages back"];
                self.found(Check::new("replies", Mark::Doubtful, found).advising(advice));
                Ok(())
            }
            Ok(longest) => {
                let found = format!("replies come within {} ms", longest.as_millis().max(1));
                self.found(Check::new("replies", Mark::Fine, found));
                Ok(())
            }
            Err(check) => self.give_up(check),
        }
    }

    fn watch(&mut self, talk: Talk) {
        let plan = watch::Plan::new(self.options.watch, talk.ping());
        if let watch::Plan::Skip(check) = plan {
            return self.found(check);
        }
        let longest = plan.longest();
        let tell = &mut self.tell;
        let check = watch::watch(talk, &plan, &mut |elapsed, pings| {
            tell(Progress::Watching {
                elapsed,
                longest,
                pings,
            });
        });
        self.found(check);
    }
}

/// What to do where nginx, or another proxy, did not pass the upgrade on.
fn pass_upgrades() -> Vec<String> {
    advice::PASS_UPGRADES.map(str::to_owned).to_vec()
}
