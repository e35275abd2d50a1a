//! A server of any frames before the rules of our client.

use veche_client::Data;
use veche_client::machine::{
    Credentials, Draft, Event, LinkId, Machine, Now, Output, Request, Settings, SubscribeOptions,
};

/// Each line is a frame of the server's, in text; one that begins with a zero byte is binary. A line of one digit lets so
/// many seconds pass, and a `#` stands for the id of the client's latest action.
pub fn run(input: &[u8]) {
    let mut run = Run::new();
    for line in input.split(|byte| *byte == b'\n') {
        run.take(line);
    }
    run.end();
}

struct Run {
    machine: Machine,
    now: Now,
    link: Option<LinkId>,
    last_id: String,
    /// What the client has asked, and what it was told for it.
    answers: (usize, usize),
    publications: (usize, usize),
}

impl Run {
    fn new() -> Self {
        let now = Now {
            mono_ms: 0,
            wall_ms: 1_700_000_000_000,
        };
        let mut settings = Settings::default();
        settings.credentials = Credentials::Name("anna".into());
        settings.max_unread = 8;
        let mut run = Self {
            machine: Machine::new(settings, 7, now),
            now,
            link: None,
            last_id: String::new(),
            answers: (0, 0),
            publications: (0, 0),
        };
        run.machine.start(now);
        for channel in ["a", "b"] {
            let mut options = SubscribeOptions::default();
            options.history = 2;
            let declared = run.machine.subscribe(channel.into(), options, now);
            declared.expect("there is room");
        }
        run.ask();
        run.carry_out();
        run
    }

    fn ask(&mut self) {
        let call = Request::Call {
            method: "m".into(),
            data: None,
        };
        let history = Request::History {
            channel: "a".into(),
            limit: None,
            since: None,
            reverse: false,
        };
        for request in [call, history] {
            if self.machine.request(request, 60_000, self.now).is_ok() {
                self.answers.0 += 1;
            }
        }
        let draft = Draft {
            channel: "a".into(),
            event: None,
            data: Data::binary("bytes"),
            key: None,
        };
        if self.machine.publish(draft, self.now).is_ok() {
            self.publications.0 += 1;
        }
    }

    fn take(&mut self, line: &[u8]) {
        match (line, self.link) {
            ([digit @ b'0'..=b'9'], _) => {
                self.now.mono_ms += u64::from(digit - b'0') * 1000;
                self.now.wall_ms += u64::from(digit - b'0') * 1000;
                self.machine.handle_timeout(self.now);
            }
            (_, None) => {}
            ([0, bytes @ ..], Some(link)) => {
                self.machine
                    .handle_binary(link, bytes.to_vec().into(), self.now);
            }
            (text, Some(link)) => {
                let text = String::from_utf8_lossy(text).replace('#', &self.last_id);
                self.machine.handle_text(link, &text, self.now);
            }
        }
        self.carry_out();
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Connect(link) => {
                    self.link = Some(link);
                    self.machine.handle_opened(link, self.now);
                }
                Output::Send(_, veche_client::machine::Frame::Text(text)) => {
                    let action: serde_json::Value =
                        serde_json::from_str(&text).expect("the client writes JSON");
                    self.last_id = action.get("id").expect("an id").to_string();
                }
                Output::Close { .. } => self.link = None,
                Output::Event(Event::Answer(..)) => self.answers.1 += 1,
                Output::Event(Event::Published(..)) => self.publications.1 += 1,
                _ => {}
            }
        }
    }

    /// Whatever was asked has its answer in the end.
    fn end(mut self) {
        self.machine.close(self.now);
        self.carry_out();
        assert_eq!(self.answers.0, self.answers.1, "requests and answers");
        assert_eq!(
            self.publications.0, self.publications.1,
            "publications and results"
        );
        assert_eq!(self.machine.poll_timeout(), None, "nothing is waited for");
    }
}
