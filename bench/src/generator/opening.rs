//! How connections are opened, and how the slow among them stop and resume reading.

use std::io;
use std::time::Duration;

use mio::{Interest, Token};

use super::Generator;
use crate::client::{Client, Farewell};
use crate::clock::nanos;

impl Generator<'_> {
    /// Opens all connections of the plan; those that are not ready after a while are given up.
    pub(crate) fn open_all(&mut self) -> io::Result<()> {
        let count = self.plan.roles.len();
        let mut last = (0, self.now());
        loop {
            let Self { connections, .. } = &*self;
            let settled =
                connections.ready + connections.failed + connections.ended + connections.slow_ended;
            if settled >= count {
                return Ok(());
            }
            if settled != last.0 {
                last = (settled, self.now());
            }
            if self.now() - last.1 > nanos(PATIENCE) {
                self.give_up();
                return Ok(());
            }
            self.turn(nanos(PATIENCE))?;
        }
    }

    /// Opens as many as may be under way at once.
    pub(super) fn open_more(&mut self) {
        while self.clients.len() < self.plan.roles.len()
            && self.connections.opening < self.most_at_once()
        {
            let index = self.clients.len();
            let is_slow = self.plan.roles.get(index).is_some_and(|role| role.is_slow);
            match self.open(index, is_slow) {
                Ok(client) => {
                    self.clients.push(Some(client));
                    self.connections.opening += 1;
                }
                Err(error) => {
                    self.clients.push(None);
                    self.connections.failed += 1;
                    self.desk.ear.note(format!("a connection failed: {error}"));
                }
            }
        }
    }

    fn open(&mut self, index: usize, is_slow: bool) -> io::Result<Client> {
        let began = self.now();
        let mut socket = self.dialer.dial(index, is_slow)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll
            .registry()
            .register(&mut socket, Token(index), interest)?;
        let mut client = Client::new(socket, &self.script, began);
        // On loopback a socket is connected by now. Where it is not, the poller will say so.
        client
            .flush()
            .map_err(|farewell| io::Error::other(farewell.words))?;
        Ok(client)
    }

    fn give_up(&mut self) {
        for index in 0..self.plan.roles.len() {
            let is_late = match self.clients.get(index) {
                Some(Some(client)) => !client.is_ready(),
                Some(None) => false,
                None => {
                    self.connections.failed += 1;
                    false
                }
            };
            if is_late {
                let words = format!("not ready after {} s", PATIENCE.as_secs());
                self.end(index, Farewell { code: None, words });
            }
        }
        // Whatever was not begun stays so.
        while self.clients.len() < self.plan.roles.len() {
            self.clients.push(None);
        }
    }

    /// Lets the slow stop reading, or resume.
    pub(crate) fn set_slow(&mut self, is_reading: bool) -> io::Result<()> {
        let registry = self.poll.registry();
        for (index, role) in self
            .plan
            .roles
            .iter()
            .enumerate()
            .filter(|(_, role)| role.is_slow)
        {
            let Some(Some(client)) = self.clients.get_mut(index) else {
                continue;
            };
            debug_assert!(role.publisher.is_none(), "the slow do not publish");
            if is_reading {
                let interest = Interest::READABLE | Interest::WRITABLE;
                registry.register(&mut client.socket, Token(index), interest)?;
            } else {
                registry.deregister(&mut client.socket)?;
            }
        }
        Ok(())
    }
}

/// How long nothing may happen before those that are not ready are given up.
const PATIENCE: Duration = Duration::from_secs(20);
