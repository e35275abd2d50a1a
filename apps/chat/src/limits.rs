//! Every bound of the chat, in one place.

use std::time::Duration;

/// Longest name of a user, in characters after trimming. At least one.
pub const NAME_CHARS: usize = 32;
/// Longest title of a room, in characters after trimming. At least one.
pub const TITLE_CHARS: usize = 48;
/// Longest id of a room, in bytes: lower-case Latin letters, digits and hyphens.
pub const ROOM_ID_BYTES: usize = 48;
/// Longest text of a message, in characters (Unicode scalar values). At least one that is not white space.
pub const TEXT_CHARS: usize = 4_000;
/// Longest body of a request, in bytes: a text whose every character is escaped as two surrogates, and some room.
pub const BODY_BYTES: usize = 64 * 1024;
/// How long the body of a request may take to arrive; past it the request is answered with 408.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// How many messages a page of history holds when the request does not say.
pub const PAGE_DEFAULT: u32 = 50;
/// The largest page of history that can be asked for.
pub const PAGE_MAX: u32 = 200;
/// Longest topic of a room, in characters after trimming.
pub const TOPIC_CHARS: usize = 200;
/// How many private rooms there can be, those of two people not counted.
pub const PRIVATE_ROOMS: u32 = 5_000;
/// How many conversations of two one user can have begun.
pub const DIRECT_PER_USER: u32 = 1_000;
/// How many members a private room can have.
pub const MEMBERS: u32 = 200;
/// How long a link of invitation leads into its room.
pub const INVITE_TTL: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long a token for a private channel is valid; the page asks for a new one before that.
pub const SUBSCRIPTION_TOKEN_TTL: Duration = Duration::from_secs(10 * 60);
/// How many public rooms there can be; creating one more is refused.
pub const ROOMS: u32 = 200;
/// How many of them one user can have made; deleting one makes place.
pub const ROOMS_PER_USER: u32 = 20;
/// How many rooms a user makes at once, and after which pause each further one. Past it: 429.
pub const ROOM_RATE: (u32, Duration) = (10, Duration::from_secs(20));
/// How many messages a user sends at once, and after which pause each further one. Past it the
/// message is refused with 429, and the sender's own outbox keeps it.
pub const MESSAGE_RATE: (u32, Duration) = (100, Duration::from_millis(200));
/// How often a user edits, deletes or reacts, as for messages.
pub const CHANGE_RATE: (u32, Duration) = (60, Duration::from_millis(500));
/// How many people one message can mention; a text that mentions more is refused.
pub const MENTIONS: usize = 20;
/// How many different `@` words of one text are looked up among the names.
pub const MENTION_WORDS: usize = 200;
/// How many different emoji the reactions to one message can have.
pub const REACTION_KINDS: u32 = 20;
/// How many reactions one message can have.
pub const REACTIONS: u32 = 200;
/// Longest emoji, in bytes: a family of four with skin tones fits.
pub const EMOJI_BYTES: usize = 48;
/// How many changed messages one answer holds; the rest is on the next page.
pub const CHANGES_MAX: u32 = 200;
/// How many people a search by name gives.
pub const PEOPLE_FOUND: u32 = 10;
/// How many users there can be; a login under one more new name is refused.
pub const USERS: u32 = 100_000;
/// How many sessions a user can have; one more login ends the one that expires first.
pub const SESSIONS_PER_USER: u32 = 10;
/// How long a password is, in characters, and at most in bytes.
pub const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 8..=128;
/// How many passwords of one name can be tried at once, and after which pause each further one. Past it: 429.
pub const PASSWORD_RATE: (u32, Duration) = (5, Duration::from_secs(30));
/// How many passwords of all names together can be tried at once, and after which pause each further one.
pub const ALL_PASSWORDS_RATE: (u32, Duration) = (100, Duration::from_millis(100));
/// How many passwords are worked on at a time: each takes 19 MiB and a good part of a processor's second.
pub const PASSWORDS_AT_ONCE: usize = 2;
/// How much is kept of what a browser says it is, in characters.
pub const AGENT_CHARS: usize = 200;
/// How exactly it is known when a session was used last.
pub const SEEN_EVERY: Duration = Duration::from_secs(60);
/// How long the key is that a browser makes for itself, in bytes.
pub const KEY_CHARS: std::ops::RangeInclusive<usize> = 32..=128;
/// How long a session lasts after its login.
pub const SESSION_TTL: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long a connection token is valid; the page asks for a new one before that.
pub const CONNECTION_TOKEN_TTL: Duration = Duration::from_secs(10 * 60);
/// How many rows of one room may wait to be published. Past it a message is refused with 503,
/// and the sender's own outbox keeps it.
pub const OUTBOX_ROWS: u32 = 2_000;
/// How many rows a publisher reads, and deletes, at once.
pub const OUTBOX_BATCH: u32 = 64;
/// How many announcements to users' other devices wait for the server; more are dropped.
pub const ANNOUNCEMENTS: usize = 10_000;
/// The pause after an announcement that the server did not take.
pub const ANNOUNCE_RETRY: Duration = Duration::from_secs(1);
/// How long a room's publisher waits for work before its task ends.
pub const PUBLISHER_IDLE: Duration = Duration::from_secs(60);
/// How much of a message its notice in the lobby carries, in characters.
pub const PREVIEW_CHARS: usize = 80;
/// How many jobs may wait for the database thread; whoever brings one more waits.
pub const STORE_JOBS: usize = 1_024;
/// How long one call of the server's API may take, connecting included.
pub const API_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest answer of the server's API that is read, in bytes.
pub const API_ANSWER_BYTES: usize = 256 * 1024;
/// The first pause after a failed publish; it doubles with every failure in a row.
pub const RETRY_MIN: Duration = Duration::from_millis(100);
/// The longest pause after a failed publish.
pub const RETRY_MAX: Duration = Duration::from_secs(5);
/// How long a stop waits for publishers in the middle of a call before it aborts them.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(2);
