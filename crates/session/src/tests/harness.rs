//! Reads a transcript, plays its inputs to a session, and compares the effects line by line.
//!
//! `>` the client, `~` the world, `!` an order, `@` time since the session began, `x` the client is gone;
//! `<` what the session wants. Numbers of questions are those of the session. What stands after two spaces in
//! brackets is a comment.

mod application;
mod parse;
mod show;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use veche_protocol::channel::Channel;
use veche_protocol::identity::ClientId;

use crate::driver::Contract;
use crate::effect::{Effect, Effects};
use crate::profile::Profile;
use crate::question::{Ask, Question};
use crate::rules::{ChannelOptions, Rules};
use crate::session::{Session, SessionInit};
use crate::turn::{Now, Turn};

use parse::{answer, command, order, position, publication, seconds};
pub(super) use show::show;

/// Seconds of Unix time when a session is born.
pub(super) const BIRTH: i64 = 1_000_000;

/// Rules under which anybody may connect and subscribe.
pub(super) fn rules(change: impl FnOnce(&mut Rules)) -> Rules {
    let mut rules = Rules::default();
    rules.client.allow_anonymous_connect_without_token = true;
    rules.client.version = "9".into();
    options(&mut rules, |options| {
        options.allow_subscribe_for_client = true;
        options.allow_subscribe_for_anonymous = true;
    });
    change(&mut rules);
    rules
}

/// Changes the options of channels without namespace.
pub(super) fn options(rules: &mut Rules, change: impl FnOnce(&mut ChannelOptions)) {
    change(Arc::make_mut(&mut rules.channel.without_namespace));
}

pub(super) fn check(script: &str) {
    check_with(Profile::WEBSOCKET, &rules(|_| {}), script);
}

pub(super) fn check_with(profile: Profile, rules: &Rules, script: &str) {
    play(Talk::new(profile, rules), script);
}

/// The client has connected as Anna, by a token; the rules send no pings.
pub(super) fn check_as_anna(rules: &Rules, script: &str) {
    let script = format!(
        "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 claims user=anna
        < tell connected \"anna\"
        < 1 connected ping 0 pong
        {script}
    "
    );
    check_with(Profile::WEBSOCKET, rules, &script);
}

/// The client is known before it says anything.
pub(super) fn check_known(user: &str, rules: &Rules, script: &str) {
    play(Talk::known(user, Profile::WEBSOCKET, rules), script);
}

fn play(mut talk: Talk<'_>, script: &str) {
    let mut actual = Vec::new();
    let mut expected = Vec::new();
    for line in script.lines() {
        let line = line.trim();
        let line = line.split("  (").next().unwrap_or(line).trim_end();
        if line.is_empty() {
            continue;
        }
        expected.push(line.to_owned());
        if !line.starts_with('<') {
            actual.push(line.to_owned());
            if script.contains(REFUSED) {
                actual.extend(lines(&talk.effects_of(line)));
            } else {
                actual.extend(talk.play(line));
            }
        }
    }
    if expected != actual {
        let at = expected
            .iter()
            .zip(&actual)
            .take_while(|(a, b)| a == b)
            .count();
        panic!(
            "line {at} differs:\n  expected {:?}\n  actual   {:?}\n\nactual transcript:\n\n{}\n",
            expected.get(at),
            actual.get(at),
            actual.join("\n")
        );
    }
}

fn lines(effects: &Effects) -> Vec<String> {
    let shown = effects.iter().map(show);
    shown.map(|line| format!("< {line}")).collect()
}

/// What the operator hears of a refusal; only scripts that have such lines are compared with them.
const REFUSED: &str = "< tell refused";

pub(super) struct Talk<'a> {
    pub(super) session: Session,
    rules: &'a Rules,
    now: Now,
    effects: Effects,
    asked: HashMap<u32, Question>,
    contract: Contract,
    is_gone: bool,
}

impl<'a> Talk<'a> {
    pub(super) fn new(profile: Profile, rules: &'a Rules) -> Self {
        Self::known("", profile, rules)
    }

    fn known(user: &str, profile: Profile, rules: &'a Rules) -> Self {
        let now = Now {
            monotonic: Duration::ZERO,
            unix_ms: BIRTH * 1000,
        };
        let init = SessionInit {
            client: ClientId::from_random([7; 16]),
            user: (!user.is_empty()).then(|| user.into()),
            seed: 7,
            profile,
            emulation: None,
            headers: None,
        };
        Self {
            session: Session::new(init, &Turn { now, rules }),
            rules,
            now,
            effects: Effects::new(),
            asked: HashMap::new(),
            contract: Contract::default(),
            is_gone: false,
        }
    }

    /// Plays one input. What the operator hears of refusals is left out.
    pub(super) fn play(&mut self, line: &str) -> Vec<String> {
        let mut lines = lines(&self.effects_of(line));
        lines.retain(|line| !line.starts_with(REFUSED));
        lines
    }

    /// What the session wants upon one input.
    pub(super) fn effects_of(&mut self, line: &str) -> Effects {
        let (sign, rest) = line.split_once(' ').unwrap_or((line, ""));
        let turn = Turn {
            now: self.now,
            rules: self.rules,
        };
        match sign {
            ">" => {
                let command = command(rest);
                self.session
                    .handle_command(command, &turn, &mut self.effects);
            }
            "~" => self.answer(rest, &turn),
            "!" => self
                .session
                .handle_order(order(rest), &turn, &mut self.effects),
            "x" => {
                // Some scripts say the end twice, to see that nothing comes of it.
                if !std::mem::replace(&mut self.is_gone, true) {
                    self.contract.end();
                }
                self.session.handle_closed(&turn, &mut self.effects);
            }
            "@" => self.pass(seconds(rest)),
            _ => panic!("{line}"),
        }
        let effects = std::mem::take(&mut self.effects);
        self.contract.ask_for(&effects);
        for effect in &effects {
            self.contract.carry_out(effect);
            if let Effect::Ask { ask, question } = effect {
                self.asked.insert(ask.0, question.clone());
            }
        }
        effects
    }

    /// The wall clock may have been set.
    pub(super) fn jump(&mut self) {
        let turn = Turn {
            now: self.now,
            rules: self.rules,
        };
        self.session.handle_clock_jump(&turn);
    }

    /// Lets time go by, from deadline to deadline.
    fn pass(&mut self, until: Duration) {
        loop {
            let due = self.session.poll_timeout().filter(|at| *at <= until);
            let at = due.unwrap_or(until).max(self.now.monotonic);
            self.now = Now {
                monotonic: at,
                unix_ms: BIRTH * 1000 + i64::try_from(at.as_millis()).unwrap(),
            };
            let turn = Turn {
                now: self.now,
                rules: self.rules,
            };
            if due.is_none() {
                return;
            }
            self.session.handle_timeout(&turn, &mut self.effects);
        }
    }

    fn answer(&mut self, text: &str, turn: &Turn<'_>) {
        if let Some(delivery) = text.strip_prefix("delivers ") {
            let mut words = delivery.split(' ');
            let channel = Channel::new(words.next().unwrap());
            let position = position(words.next().unwrap());
            let mut publication = publication(position.offset);
            publication.tags = words.next().map(|word| {
                let (name, value) = word.split_once('=').unwrap();
                Arc::new([(name.into(), value.into())].into())
            });
            let publication = Arc::new(publication);
            // One script delivers what the client has already.
            if self.contract.takes(&channel) {
                self.contract.deliver(&channel);
            }
            return self.session.handle_delivery(
                &channel,
                publication,
                &position.epoch,
                turn,
                &mut self.effects,
            );
        }
        let (ask, text) = text.split_once(' ').unwrap();
        let ask: u32 = ask.parse().unwrap();
        let asked = self.asked.get(&ask);
        let answer = answer(text, asked.unwrap_or_else(|| panic!("{ask} was not asked")));
        // Some scripts answer twice, late or wrongly, to see that the session keeps the contract all the same.
        if self.contract.awaits(Ask(ask), &answer) {
            self.contract.answer(Ask(ask), &answer);
        }
        self.session
            .handle_answer(Ask(ask), answer, turn, &mut self.effects);
    }
}
