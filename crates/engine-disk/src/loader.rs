//! The thread that reads the store for calls whose channel is not in memory.

use std::sync::Arc;
use std::time::Instant;

use veche_engine::error::EngineError;
use veche_protocol::channel::Channel;
use veche_protocol::history::Page;
use veche_protocol::publication::Publication;

use crate::call::{Answer, Call};
use crate::commit_queue::Waiting;
use crate::disk::Disk;
use crate::journal::Lsn;
use crate::load_queue::Load;
use crate::publish::keeps_anything;
use crate::shard::Shard;
use crate::store::{Found, Range, StoreError};
use crate::stream::{Partial, Stream};

impl Disk {
    /// Reads what is asked for, until the engine ends.
    pub(crate) fn run_loader(&self) {
        while let Some(load) = self.loads.next() {
            self.counters.loads.add(1);
            match load {
                Load::Stream(channel) => self.load_stream(&channel, false),
                Load::Page {
                    channel,
                    partial,
                    after,
                    answer,
                } => self.load_page(&channel, *partial, after, answer),
            }
        }
    }

    /// Reads how a channel's stream stands, and carries out the calls that wait for it. With `is_pinned` it stays in memory
    /// until it was written to the store again.
    pub(crate) fn load_stream(&self, channel: &Channel, is_pinned: bool) {
        if self.shards.lock(channel).stream(channel).is_none()
            && let Err(error) = self.read_row(channel, is_pinned)
        {
            return self.refuse_calls(channel, &error);
        }
        loop {
            let missing = {
                let mut shard = self.shards.lock(channel);
                let needs_last = shard.loading_calls(channel).any(needs_last);
                let stream = shard.stream(channel);
                match stream.filter(|it| needs_last && it.misses_last()) {
                    Some(stream) => Range {
                        stream: stream.id,
                        from: stream.top,
                        to: stream.top + 1,
                        limit: 1,
                        is_reverse: true,
                    },
                    None => {
                        while let Some(call) = shard.next_call(channel) {
                            self.carry_out(&mut shard, channel, call);
                        }
                        self.trim(&mut shard);
                        return;
                    }
                }
            };
            match self.store.publications(&missing) {
                Ok(found) => self.hold(channel, missing, &found),
                Err(error) => return self.refuse_calls(channel, &error),
            }
        }
    }

    /// Takes a stream into memory that the store may have.
    fn read_row(&self, channel: &Channel, is_pinned: bool) -> Result<(), StoreError> {
        let row = match self.store.row(channel) {
            Err(StoreError::Damaged(what)) => {
                self.counters.damaged.add(1);
                tracing::error!(
                    channel = channel.as_str(),
                    "{what} is damaged in the store: it begins anew"
                );
                self.lost.lock().push(channel.clone());
                None
            }
            row => row?,
        };
        if let Some(row) = row {
            let mut stream = Stream::from_row(row);
            stream.is_dirty = stream.renew(self.generations) || is_pinned;
            self.shards.lock(channel).insert(channel, stream);
        }
        Ok(())
    }

    /// Keeps what was read in memory. What is damaged, and all before it, is forgotten.
    fn hold(&self, channel: &Channel, range: Range, found: &Found) {
        let mut shard = self.shards.lock(channel);
        shard.change(channel, |stream| {
            if stream.id != range.stream {
                return;
            }
            let mut lost = found.damaged.map(|at| at + 1);
            // What should be there, and is not, is damage too: of an index, say.
            let end = found
                .publications
                .last()
                .map_or(range.from, |it| it.offset + 1);
            if end < range.to && stream.first < range.to && range.to <= stream.stored.top + 1 {
                lost = lost.max(Some(range.to));
            }
            if let Some(first) = lost.filter(|first| *first > stream.first) {
                self.counters.damaged.add(1);
                tracing::error!(
                    channel = channel.as_str(),
                    from = stream.first,
                    to = first - 1,
                    "publications are damaged in the store, and can't be recovered any more"
                );
                stream.forget_before(first);
                stream.is_dirty = true;
            }
            stream.hold(&found.publications);
        });
    }

    fn refuse_calls(&self, channel: &Channel, error: &StoreError) {
        let error = EngineError::Unavailable(format!("cannot read the store: {error}").into());
        let mut shard = self.shards.lock(channel);
        while let Some(call) = shard.next_call(channel) {
            // Whoever asked may have gone.
            match call {
                Call::Publish(_, give) => drop(give.send(Err(error.clone()))),
                Call::History(_, give) => drop(give.send(Err(error.clone()))),
                Call::Join(_, give) | Call::Leave(_, give) | Call::Remove(give) => {
                    drop(give.send(Err(error.clone())));
                }
            }
        }
    }

    /// Reads the older part of a page.
    fn load_page(
        &self,
        channel: &Channel,
        partial: Partial,
        after: Option<Lsn>,
        give: Answer<Page>,
    ) {
        let range = Range {
            stream: partial.stream,
            from: partial.from,
            to: partial.to,
            limit: partial.limit.saturating_sub(if partial.is_reverse {
                partial.newer.len()
            } else {
                0
            }),
            is_reverse: partial.is_reverse,
        };
        let mut found = match self.store.publications(&range) {
            Ok(found) => found,
            Err(error) => {
                let error = format!("cannot read the store: {error}");
                // Whoever asked may have gone.
                return drop(give.send(Err(EngineError::Unavailable(error.into()))));
            }
        };
        name_first(&mut found.publications, &partial);
        self.hold(channel, range, &found);
        let mut shard = self.shards.lock(channel);
        self.trim(&mut shard);
        let page = page(found.publications, partial);
        self.answer_page(&mut shard, channel, page, after, give);
    }

    fn answer_page(
        &self,
        shard: &mut Shard,
        channel: &Channel,
        page: Page,
        after: Option<Lsn>,
        give: Answer<Page>,
    ) {
        match after.filter(|lsn| *lsn > self.journal.synced()) {
            // Whoever asked may have gone.
            None => drop(give.send(Ok(page))),
            Some(lsn) => {
                shard.wait(channel);
                self.commits.push(Waiting {
                    lsn,
                    channel: channel.clone(),
                    notice: None,
                    answer: Some(Box::new(move |safe| {
                        let _ = give.send(safe.map(|()| page));
                    })),
                    since: Instant::now(),
                });
            }
        }
    }
}

/// Whether a call needs the last publication.
fn needs_last(call: &Call) -> bool {
    match call {
        Call::Publish(publish, _) => {
            let options = &publish.options;
            options.delta && options.retention.is_some_and(|it| keeps_anything(&it))
        }
        _ => false,
    }
}

/// The epoch is in the first publication of a stream, as it is told to clients.
fn name_first(publications: &mut [Arc<Publication>], partial: &Partial) {
    for publication in publications.iter_mut().filter(|it| it.offset == 1) {
        Arc::make_mut(publication).epoch = partial.epoch.clone();
    }
}

fn page(mut publications: Vec<Arc<Publication>>, partial: Partial) -> Page {
    let ends_here = publications.last().map(|it| it.offset + 1);
    if ends_here.is_some_and(|end| end != partial.to) {
        // What lies between them is damaged, so nothing before it is told.
        publications.clear();
    }
    publications.extend(partial.newer);
    if partial.is_reverse {
        publications.reverse();
    }
    publications.truncate(partial.limit);
    Page {
        publications,
        position: partial.position,
    }
}
