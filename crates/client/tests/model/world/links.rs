//! Links of a run: how they are made, what they carry, and how they break.

use veche_client::machine::{Frame, LinkEnd, Now};

use super::World;
use crate::happening::{Happening, Wire};
use crate::server::{Out, Reply};

impl World {
    pub(super) fn connect(&mut self, link: Wire) {
        let link_fails = !self.server.is_up || (!self.is_calm && self.rng.u8(..10) == 0);
        let delay = self.rng.u64(5..200);
        if link_fails {
            // Now and then nothing is heard of it at all.
            if self.is_calm || self.rng.u8(..4) > 0 {
                self.at(delay, Happening::Failed(link));
            }
        } else {
            self.network.open(link, self.rng.u64(5..150));
            self.at(delay, Happening::Opened(link));
        }
    }

    pub(super) fn send_up(&mut self, link: Wire, frame: Frame) {
        let number = match &frame {
            Frame::Text(text) => text.split_once(r#""n":"#).and_then(|(_, rest)| {
                let end = rest.find('}')?;
                rest[..end].parse().ok()
            }),
            Frame::Binary(bytes) => Some(u64::from_le_bytes((&**bytes).try_into().expect("eight"))),
        };
        if let Some(number) = number {
            let seeming = self.seeming();
            self.first_sent.entry(number).or_insert(seeming);
        }
        if let Some(at) = self.network.arrival(link, true, self.now) {
            self.at_time(at, Happening::Up(link, frame));
        }
    }

    pub(super) fn arrive_up(&mut self, link: Wire, frame: &Frame) {
        if !self.network.is_open(link) || !self.server.is_connected(link) {
            return;
        }
        let mut replies = self.server.expire(self.now);
        replies.extend(match frame {
            Frame::Text(text) => self.server.text(link, text, self.now, &mut self.said),
            Frame::Binary(bytes) => self.server.binary(link, bytes, self.now),
        });
        self.send_down(replies);
        // The link breaks right after the server has acted: the answer is lost.
        if !self.is_calm && self.rng.u16(..200) == 0 {
            self.cut(link);
        }
    }

    pub(super) fn send_down(&mut self, replies: Vec<Reply>) {
        for (link, out) in replies {
            if let Some(at) = self.network.arrival(link, false, self.now) {
                self.at_time(at, Happening::Down(link, out));
            }
        }
    }

    pub(super) fn arrive_down(&mut self, link: Wire, out: Out, now: Now) {
        match out {
            Out::Text(text) => self.machine.handle_text(link.link, &text, now),
            Out::Binary(bytes) => self.machine.handle_binary(link.link, bytes.into(), now),
            Out::Close(code, reason) => {
                self.network.close(link);
                let end = LinkEnd::Closed { code, reason };
                self.machine.handle_closed(link.link, end, now);
            }
        }
    }

    /// Whatever is on its way is lost. One side or the other may not notice for long, or never.
    pub(super) fn cut(&mut self, link: Wire) {
        self.network.kill(link);
        if self.rng.u8(..3) > 0 {
            let delay = self.rng.u64(..5_000);
            self.at(delay, Happening::Broken(link));
        }
        let delay = self.rng.u64(..90_000);
        self.at(delay, Happening::ServerSees(link));
    }
}
