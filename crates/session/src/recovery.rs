//! What a new subscriber missed: history and what was published while it was read, merged.

use std::sync::Arc;

use veche_protocol::history::{Page, Query};
use veche_protocol::position::{Epoch, StreamPosition};
use veche_protocol::publication::Publication;

use crate::effect::Delta;
use crate::rules::{ClientRules, RecoveryMode};
use crate::subscription::Grant;
use crate::subscription::buffer::Buffer;
use crate::subscription::request::RecoveryRequest;

/// What is to be read for a subscription whose position is watched.
///
/// The epoch is left out of the question: the answer then has the top of the stream even where the epochs differ.
pub(crate) fn query(grant: &Grant, request: &RecoveryRequest, rules: &ClientRules) -> Query {
    let mut query = Query {
        limit: Some(0),
        meta_ttl: grant.meta_ttl,
        ..Query::default()
    };
    if grant.recovers(request) {
        match grant.mode {
            RecoveryMode::Stream => {
                let limit = rules.recovery_max_publication_limit;
                query.limit = (limit > 0).then_some(limit);
                query.since = Some(StreamPosition::new(request.since.offset, Epoch::default()));
            }
            RecoveryMode::Cache => {
                // With a filter the latest that passes is wanted, which may lie deeper.
                let limit = rules.recovery_max_publication_limit;
                query.limit = match grant.filter {
                    None => Some(1),
                    Some(_) => (limit > 0).then_some(limit),
                };
                query.reverse = true;
            }
        }
    }
    query
}

/// Where a subscription begins.
#[derive(Debug, Default)]
pub(crate) struct Start {
    /// What was missed, for the reply.
    pub publications: Vec<Arc<Publication>>,
    /// Publications without a position, to be sent after the reply.
    pub loose: Vec<Arc<Publication>>,
    /// Whether everything missed is there.
    pub recovered: bool,
    /// Whether recovery was tried.
    pub was_recovering: bool,
    /// The offset of the reply.
    pub offset: u64,
    /// The subscriber's position after the reply; `None` where positions are not watched.
    pub position: Option<StreamPosition>,
    /// Whether deltas follow, and against what.
    pub delta: Delta,
    /// Whether something was published after the position that is not there any more.
    pub has_lost: bool,
}

/// The subscriber refused to go on without what it missed (error 112).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unrecovered;

/// Merges what history says with what was published while it was read.
pub(crate) fn begin(
    grant: &Grant,
    request: &RecoveryRequest,
    page: Option<Page>,
    buffer: Buffer,
) -> Result<Start, Unrecovered> {
    let Some(page) = page else {
        return Ok(Start {
            was_recovering: request.recover,
            has_lost: buffer.has_lost,
            delta: delta(grant, &[], &[]),
            loose: filtered(grant, buffer.publications),
            ..Start::default()
        });
    };
    let tries = grant.recovers(request);
    let (mut publications, mut recovered) = match grant.mode {
        _ if !tries => (Vec::new(), false),
        RecoveryMode::Stream => from_stream(&page, &request.since),
        RecoveryMode::Cache => from_cache(&page, &request.since, grant),
    };
    if tries && !recovered && request.rejects_unrecovered && grant.mode == RecoveryMode::Stream {
        return Err(Unrecovered);
    }
    let merged = merge(page.position, buffer);
    if tries && grant.mode == RecoveryMode::Cache && !merged.later.is_empty() {
        recovered = true;
    }
    if recovered {
        publications = filtered(grant, publications);
        if grant.mode == RecoveryMode::Cache {
            keep_last(&mut publications);
        }
        publications.extend(filtered(grant, merged.later));
    } else {
        publications.clear();
    }
    // Who takes deltas gets what came meanwhile too: each is the base of the next.
    if grant.mode == RecoveryMode::Cache && !grant.delta {
        keep_last(&mut publications);
    }
    let loose = filtered(grant, merged.loose);
    Ok(Start {
        delta: delta(grant, &publications, &loose),
        publications,
        loose,
        recovered,
        was_recovering: request.recover || tries,
        // After a recovery the client counts on from where it was.
        offset: if recovered {
            request.since.offset
        } else {
            merged.position.offset
        },
        position: Some(merged.position),
        has_lost: merged.has_lost,
    })
}

fn keep_last(publications: &mut Vec<Arc<Publication>>) {
    publications.drain(..publications.len().saturating_sub(1));
}

/// What a subscriber that takes deltas has for sure after the answer: the last publication in it, if nothing follows
/// that is no part of the stream.
fn delta(grant: &Grant, publications: &[Arc<Publication>], loose: &[Arc<Publication>]) -> Delta {
    match publications.last() {
        _ if !grant.delta => Delta::Off,
        Some(last) if loose.is_empty() => Delta::Since(last.clone()),
        _ => Delta::Whole,
    }
}

/// Everything after `since`, if all of it is there.
fn from_stream(page: &Page, since: &StreamPosition) -> (Vec<Arc<Publication>>, bool) {
    let top = &page.position;
    let same_epoch = since.epoch.is_empty() || since.epoch == top.epoch;
    let is_whole = same_epoch
        && since.offset <= top.offset
        && page.publications.len() as u64 == top.offset - since.offset
        && (page.publications.iter())
            .zip(since.offset..)
            .all(|(publication, before)| publication.offset == before + 1);
    if is_whole {
        (page.publications.clone(), true)
    } else {
        (Vec::new(), false)
    }
}

/// The publications up to the latest, of which the last is wanted, unless the client has it.
///
/// Where none passes the filter, it is as if there were none.
fn from_cache(page: &Page, since: &StreamPosition, grant: &Grant) -> (Vec<Arc<Publication>>, bool) {
    let top = &page.position;
    let is_there = since.offset > 0 && since == top;
    let passes = |publication: &Arc<Publication>| grant.wants(publication);
    let latest = page
        .publications
        .first()
        .filter(|_| page.publications.iter().any(passes));
    let recovered = latest.map_or(is_there, |latest| latest.offset == top.offset);
    if recovered && !is_there {
        (page.publications.iter().rev().cloned().collect(), true)
    } else {
        (Vec::new(), recovered)
    }
}

struct Merged {
    later: Vec<Arc<Publication>>,
    loose: Vec<Arc<Publication>>,
    position: StreamPosition,
    has_lost: bool,
}

/// What was buffered after the top of the stream was read: without doubles, and up to the first gap.
fn merge(top: StreamPosition, buffer: Buffer) -> Merged {
    let mut merged = Merged {
        later: Vec::new(),
        loose: Vec::new(),
        position: top,
        has_lost: buffer.has_lost,
    };
    let position = &mut merged.position;
    for publication in buffer.publications {
        let is_first = publication.offset == 1 && position.offset == 0;
        if is_first && position.epoch.is_empty() {
            // There was no stream when it was read. Its epoch comes with the first publication, and with no other.
            position.epoch = buffer.epoch.clone();
        }
        if publication.offset == 0 {
            merged.loose.push(publication);
        } else if buffer.epoch != position.epoch {
            // One of the two is from an earlier life of the stream, and nobody can say which.
            merged.has_lost = true;
        } else if publication.offset == position.offset.wrapping_add(1) {
            position.offset = publication.offset;
            merged.later.push(publication);
        } else if publication.offset > position.offset {
            merged.has_lost = true;
            break;
        }
    }
    merged
}

fn filtered(grant: &Grant, mut publications: Vec<Arc<Publication>>) -> Vec<Arc<Publication>> {
    publications.retain(|publication| grant.wants(publication));
    publications
}
