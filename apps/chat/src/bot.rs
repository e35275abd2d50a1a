//! The bot of a demonstration: it greets, answers, and goes on writing while somebody tries out a broken network.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tracing::warn;
use uuid::Uuid;

use crate::announcer::Announcer;
use crate::channels;
use crate::error::StoreError;
use crate::publisher::Publisher;
use crate::store::Store;
use crate::store::messages::{self, Draft, Message, Posted};
use crate::store::people::{self, Entry};
use crate::words::{RoomId, User};

mod lines;

pub(crate) use lines::Language;

/// The room in which it writes.
const ROOM: &str = "general";
const NAME: &str = "Echo";
/// Messages and wishes that wait while it is writing; it does not hear further ones.
const EVENTS: usize = 16;
/// How long it types.
const TYPING: Duration = Duration::from_millis(1200);
/// From one line of a talk to the next.
const TALK_PAUSE: Duration = Duration::from_secs(2);
/// It does not answer unasked while two people have written within this time.
const COMPANY_MS: i64 = 10 * 60 * 1000;

/// The bot, as requests see it. It stops when it is dropped, or when the chat stops.
#[derive(Debug)]
pub(crate) struct Bot {
    events: mpsc::Sender<Event>,
    is_talking: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
enum Event {
    /// A message was written in the room.
    Heard(Box<Message>),
    /// It shall write for a while.
    Talk(Language),
}

impl Bot {
    /// Starts its task on the current runtime. Its name belongs to whoever has `key`.
    pub(crate) fn start(
        store: Store,
        publisher: Arc<Publisher>,
        announcer: Arc<Announcer>,
        key: String,
    ) -> Self {
        let (events, inbox) = mpsc::channel(EVENTS);
        let stop = publisher.stopped();
        let speaker = Speaker {
            user: User::parse(NAME).expect("a name of letters"),
            room: RoomId::parse(ROOM).expect("an id of letters"),
            store,
            publisher,
            announcer,
            said: 0,
            is_talking: Arc::default(),
        };
        let is_talking = Arc::clone(&speaker.is_talking);
        let task = tokio::spawn(until(stop, speaker.run(key, inbox)));
        Self {
            events,
            is_talking,
            task,
        }
    }

    /// A message was stored; never waits.
    pub(crate) fn hear(&self, message: &Message) {
        if message.room == ROOM && message.user != NAME.to_lowercase() {
            // While it is busy it misses some, as people do.
            let _ = self
                .events
                .try_send(Event::Heard(Box::new(message.clone())));
        }
    }

    /// Has it write some lines, one after the other, unless it does so already; never waits.
    pub(crate) fn talk(&self, language: Language) {
        if !self.is_talking.swap(true, Ordering::Relaxed)
            && self.events.try_send(Event::Talk(language)).is_err()
        {
            self.is_talking.store(false, Ordering::Relaxed);
        }
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn until(mut stop: watch::Receiver<bool>, run: impl Future<Output = Result<(), StoreError>>) {
    tokio::select! {
        ended = run => {
            if let Err(error) = ended {
                warn!(%error, "the bot of the demonstration has ended");
            }
        }
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

/// The bot's task.
struct Speaker {
    user: User,
    room: RoomId,
    store: Store,
    publisher: Arc<Publisher>,
    announcer: Arc<Announcer>,
    /// How many answers it has given.
    said: usize,
    /// From the wish that it talks to its last line.
    is_talking: Arc<AtomicBool>,
}

impl Speaker {
    async fn run(mut self, key: String, inbox: mpsc::Receiver<Event>) -> Result<(), StoreError> {
        let mut inbox = inbox;
        let user = self.user.clone();
        let entry = self
            .store
            .run(move |db| people::enter_with_key(db, &user, Some(&key)))
            .await?;
        if entry != Entry::Done {
            warn!("the name {NAME} belongs to somebody: the demonstration has no bot");
            return Ok(());
        }
        if self.is_empty().await? {
            for line in lines::GREETING {
                self.say(line.to_owned(), None).await?;
            }
        }
        while let Some(event) = inbox.recv().await {
            match event {
                Event::Heard(message) => self.answer(&message).await?,
                Event::Talk(language) => {
                    self.talk(language).await?;
                    self.is_talking.store(false, Ordering::Relaxed);
                }
            }
        }
        Ok(())
    }

    async fn is_empty(&self) -> Result<bool, StoreError> {
        let room = self.room.clone();
        self.store
            .run(move |db| messages::is_empty(db, &room))
            .await
    }

    /// Answers who talks to it, or has nobody else to talk to.
    async fn answer(&mut self, message: &Message) -> Result<(), StoreError> {
        let is_asked = message.mentions.contains(&self.user.id)
            || message
                .reply
                .as_ref()
                .is_some_and(|quote| quote.user == self.user.id);
        if !is_asked && self.has_company(message).await? {
            return Ok(());
        }
        let line = lines::answer(self.said, Language::of(&message.text), message.seq);
        self.said = self.said.wrapping_add(1);
        self.type_for(TYPING).await;
        self.say(line, Some(message.seq)).await
    }

    /// Whether somebody else has written lately, so that two people talk.
    async fn has_company(&self, message: &Message) -> Result<bool, StoreError> {
        let (room, since) = (self.room.clone(), message.time - COMPANY_MS);
        let apart = [self.user.id.clone(), message.user.clone()];
        self.store
            .run(move |db| messages::others_since(db, &room, &apart, since))
            .await
    }

    async fn talk(&mut self, language: Language) -> Result<(), StoreError> {
        for line in lines::talk(language) {
            self.type_for(TYPING).await;
            self.say(line, None).await?;
            sleep(TALK_PAUSE.saturating_sub(TYPING)).await;
        }
        Ok(())
    }

    /// Shows that it types. A client's own publications carry who they are from; the bot's say it in their data.
    async fn type_for(&self, time: Duration) {
        let [_, typing] = channels::public(ROOM);
        let who = json!({ "user": self.user.id, "client": "", "connInfo": { "name": NAME } });
        let data = json!({ "typing": true, "who": who });
        self.announcer.announce(typing, "bot".to_owned(), data);
        sleep(time).await;
    }

    async fn say(&self, text: String, reply: Option<i64>) -> Result<(), StoreError> {
        let draft = Draft {
            id: Uuid::new_v4().to_string(),
            room: self.room.clone(),
            author: self.user.clone(),
            text,
            reply,
        };
        let publisher = Arc::clone(&self.publisher);
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let now_ms = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
        self.store
            .run(move |db| {
                // A room that is full or gone is no place for a bot either.
                if let Posted::New(message) = messages::post(db, &draft, now_ms)? {
                    publisher.wake(&message.room);
                }
                Ok(())
            })
            .await
    }
}
