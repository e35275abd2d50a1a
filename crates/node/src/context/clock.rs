//! The times of a worker: of its turn, of what it has read, and of what happened to the process meanwhile.

use std::mem;
use std::time::Duration;

use veche_session::turn::Now;

/// A worker that slept so much longer than it wanted did not run meanwhile.
const OVERSLEPT: Duration = Duration::from_secs(1);
/// By how much the two clocks may part before deadlines are computed anew; corrections of the time are smaller.
const CLOCK_JUMP_MS: u64 = 1000;
/// How long nothing comes until a worker counts as quiet.
const QUIET: Duration = Duration::from_secs(1);

/// The times of a worker.
#[derive(Debug)]
pub(crate) struct TurnClock {
    /// When the turn began.
    now: Now,
    /// Everything that clients had sent by this time has been read, except for those that have more than one turn
    /// takes. Deadlines are judged by it, not by `now`: the bytes that meet a deadline may have come meanwhile.
    heard: Now,
    /// When the worker began to sleep, in monotonic time.
    asleep_since: Duration,
    /// When the process last went on after it had stood still.
    resumed: Option<Duration>,
    /// Milliseconds of the wall clock when the monotonic one began, as far as is known.
    wall_clock_began: i64,
    /// When the worker counts as quiet, unless something comes before.
    quiet_at: Option<Duration>,
}

impl TurnClock {
    pub(crate) fn new(now: Now) -> Self {
        Self {
            now,
            heard: now,
            asleep_since: now.monotonic,
            resumed: None,
            wall_clock_began: wall_clock_began(now),
            quiet_at: None,
        }
    }

    pub(crate) fn now(&self) -> Now {
        self.now
    }

    /// A turn begins.
    pub(crate) fn set(&mut self, now: Now) {
        self.now = now;
    }

    /// Everything that clients had sent by this time has been read.
    pub(crate) fn set_heard(&mut self, heard: Now) {
        self.heard = heard;
    }

    /// Lets the turn be at the time up to which clients were heard. Returns the turn's own time, to be set again.
    pub(crate) fn go_back_to_heard(&mut self) -> Now {
        mem::replace(&mut self.now, self.heard)
    }

    /// The worker begins to sleep.
    pub(crate) fn fall_asleep(&mut self, now: Duration) {
        self.asleep_since = now;
    }

    /// Notices that the process stood still (stopped, a paused virtual machine): it slept much longer than it wanted.
    pub(crate) fn note_pause(&mut self, timeout: Option<Duration>) {
        let slept = self.now.monotonic.saturating_sub(self.asleep_since);
        if timeout.is_some_and(|timeout| slept > timeout.saturating_add(OVERSLEPT)) {
            self.resumed = Some(self.now.monotonic);
        }
    }

    /// Whether the process went on less than `grace` ago after it had stood still.
    pub(crate) fn has_just_resumed(&self, grace: Duration) -> bool {
        let resumed = self.resumed.map(|at| at.saturating_add(grace));
        resumed.is_some_and(|over| self.now.monotonic < over)
    }

    /// Whether the wall clock was set, or went on while the machine was suspended. Says so once.
    pub(crate) fn has_jumped(&mut self) -> bool {
        let began = wall_clock_began(self.now);
        let has_jumped = began.abs_diff(self.wall_clock_began) > CLOCK_JUMP_MS;
        if has_jumped {
            self.wall_clock_began = began;
        }
        has_jumped
    }

    /// Something came: the worker is not quiet.
    pub(crate) fn note_work(&mut self) {
        self.quiet_at = Some(self.now.monotonic + QUIET);
    }

    /// When the worker counts as quiet.
    pub(crate) fn quiet_at(&self) -> Option<Duration> {
        self.quiet_at
    }

    /// Whether the worker is quiet. Says so once for each quiet time.
    pub(crate) fn becomes_quiet(&mut self) -> bool {
        let now = self.now.monotonic;
        self.quiet_at.take_if(|at| *at <= now).is_some()
    }
}

/// What the wall clock showed, in milliseconds, when the monotonic one began.
fn wall_clock_began(now: Now) -> i64 {
    let passed = i64::try_from(now.monotonic.as_millis()).unwrap_or(i64::MAX);
    now.unix_ms.saturating_sub(passed)
}
