//! What to measure: the mode, the server, and how much of everything.

use std::time::Duration;

use crate::dialect::Dialect;
use crate::target::Target;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Few publish, many are subscribed.
    Fanout,
    /// Everyone is subscribed and publishes.
    Chat,
    /// Connections that do nothing.
    Idle,
    /// Everyone connects at once.
    Storm,
    /// Some stop reading.
    Slow,
}

impl Mode {
    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fanout => "fanout",
            Self::Chat => "chat",
            Self::Idle => "idle",
            Self::Storm => "storm",
            Self::Slow => "slow",
        }
    }
}

/// A measurement. What its mode does not name is not looked at.
#[derive(Clone, Debug)]
pub struct Options {
    /// What is measured.
    pub mode: Mode,
    /// The server.
    pub target: Target,
    /// How it is spoken to.
    pub dialect: Dialect,
    /// Subscribers of each channel, in `fanout` and `slow`.
    pub subs: u32,
    /// Channels, in `fanout` and `chat`.
    pub channels: u32,
    /// Members of each channel, in `chat`.
    pub members: u32,
    /// Connections, in `idle` and `storm`, each subscribed to a channel of its own.
    pub conns: u32,
    /// Subscribers that stop reading, in `slow`.
    pub slow: u32,
    /// Publications per second in all; 0 is the closed loop of `window`.
    pub rate: f64,
    /// Publications that leave together, when there is a rate.
    pub burst: u32,
    /// Publications that are on their way at once, when there is no rate.
    pub window: u32,
    /// Bytes of a payload.
    pub size: usize,
    /// How long to measure.
    pub time: Duration,
    /// How long to publish before that.
    pub warmup: Duration,
    /// Publications after which the measurement ends, whatever `time` says.
    pub messages: Option<u64>,
    /// What channels' names begin with.
    pub channel: String,
    /// The connection token of every client.
    pub token: Option<String>,
    /// The server's process, if it is on this machine and not to be found by its port.
    pub server_pid: Option<u32>,
}

impl Options {
    /// The smallest useful measurement of `mode`; every field has its default.
    #[must_use]
    pub fn new(mode: Mode, target: Target, dialect: Dialect) -> Self {
        Self {
            mode,
            target,
            dialect,
            subs: if mode == Mode::Slow { 100 } else { 1000 },
            channels: if mode == Mode::Chat { 100 } else { 1 },
            members: 10,
            conns: 10_000,
            slow: 1,
            rate: match mode {
                Mode::Chat => 1000.0,
                Mode::Slow => 200.0,
                Mode::Fanout | Mode::Idle | Mode::Storm => 0.0,
            },
            burst: 1,
            window: 1,
            size: 128,
            time: Duration::from_secs(10),
            warmup: Duration::from_secs(1),
            messages: None,
            channel: "bench".to_owned(),
            token: None,
            server_pid: None,
        }
    }

    /// What about the numbers makes no sense, in words.
    ///
    /// # Errors
    /// One line that names the option.
    pub fn check(&self) -> Result<(), String> {
        let positive = [
            ("--subs", self.subs),
            ("--channels", self.channels),
            ("--members", self.members),
            ("--conns", self.conns),
            ("--burst", self.burst),
            ("--window", self.window),
        ];
        if let Some((name, _)) = positive.iter().find(|(_, number)| *number == 0) {
            return Err(format!("{name} must be at least 1"));
        }
        if !(0.0..=1e7).contains(&self.rate) {
            return Err(
                "--rate is publications per second, from 0 (closed loop) to 10000000".to_owned(),
            );
        }
        if self.mode == Mode::Slow && (self.slow == 0 || self.slow >= self.subs) {
            return Err("--slow must be at least 1 and less than --subs".to_owned());
        }
        if self.mode == Mode::Slow && self.rate == 0.0 {
            return Err(
                "slow needs a --rate: a closed loop would wait for those that do not read"
                    .to_owned(),
            );
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        if self.channel.is_empty() || !self.channel.chars().all(is_plain) {
            return Err("--channel: letters, digits, '-', '_', '.' and ':' only".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Mode, Options};
    use crate::dialect::Dialect;
    use crate::target::Target;

    fn options(mode: Mode) -> Options {
        let target = Target::parse("ws://127.0.0.1:1", "/").expect("an address");
        Options::new(mode, target, Dialect::Plain)
    }

    #[test]
    fn the_defaults_of_every_mode_make_sense() {
        for mode in [
            Mode::Fanout,
            Mode::Chat,
            Mode::Idle,
            Mode::Storm,
            Mode::Slow,
        ] {
            assert_eq!(options(mode).check(), Ok(()), "{}", mode.name());
        }
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let refused = |change: fn(&mut Options), name: &str| {
            let mut options = options(Mode::Slow);
            change(&mut options);
            let error = options.check().expect_err(name);
            assert!(error.contains(name), "{error}");
        };
        refused(|options| options.subs = 0, "--subs");
        refused(|options| options.slow = 100, "--slow");
        refused(|options| options.rate = 0.0, "--rate");
        refused(|options| options.rate = f64::NAN, "--rate");
        refused(|options| options.channel = "a\"b".to_owned(), "--channel");
    }
}
