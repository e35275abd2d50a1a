//! How subscribers join the groups of their channel, move between them and leave them.

use std::sync::Arc;

use veche_protocol::publication::Publication;

use super::channel::put;
use super::group::{self, Group, GroupKey, Step};
use super::{AttachmentsBySlot, Entry, Standing};
use crate::fanout::Event;

impl Entry {
    /// Adds a client to its group. One that accepts deltas and has the steady group's base joins that group at once.
    /// Returns where it stands now.
    pub(super) fn join(
        &mut self,
        slot: u32,
        key: GroupKey,
        base: Option<Arc<Publication>>,
    ) -> Standing {
        let Some(base) = base else {
            return self.join_group(slot, key).0;
        };
        let steady = key.steady();
        let met = self
            .groups
            .iter()
            .find(|group| group.key == steady && !group.members.is_empty());
        let fits = met.is_none_or(|group| {
            let theirs = group.base.as_ref();
            theirs.is_some_and(|theirs| group::is_same_base(theirs, &base))
        });
        if !fits {
            return self.join_group(slot, key).0;
        }
        let (standing, group) = self.join_group(slot, steady);
        group.base = Some(base);
        standing
    }

    fn join_group(&mut self, slot: u32, key: GroupKey) -> (Standing, &mut Group) {
        let found = self.groups.iter().position(|group| group.key == key);
        let free = || {
            self.groups
                .iter()
                .position(|group| group.members.is_empty())
        };
        let at = match found.or_else(free) {
            Some(at) => at,
            None => {
                self.groups.push(Group {
                    key: key.clone(),
                    members: Vec::new(),
                    run: None,
                    base: None,
                });
                self.groups.len() - 1
            }
        };
        let group = self.groups.get_mut(at).expect("found or just pushed");
        group.key = key;
        // End the current run: a new member must not receive frames that were appended before it joined.
        group.run = None;
        if group.members.is_empty() {
            group.members.reserve_exact(1);
            group.base = None;
        }
        group.members.push(slot);
        let index = u32::try_from(group.members.len() - 1).expect("fewer members than 2^32");
        let standing = Standing::Member {
            group: u32::try_from(at).expect("fewer groups than 2^32"),
            index,
        };
        (standing, group)
    }

    /// Gives a base to the fresh groups that received this publication: they become steady, or their members move to the
    /// steady group.
    pub(super) fn settle(
        &mut self,
        id: u32,
        event: &Event,
        publication: &Arc<Publication>,
        step: Step,
        connections: &mut impl AttachmentsBySlot,
    ) {
        let base = group::base(publication);
        for at in 0..self.groups.len() {
            let Some(group) = self.groups.get(at) else {
                continue;
            };
            let got_it = group.key.awaits_base()
                && !group.members.is_empty()
                && step.reaches(&group.key)
                && group.key.wants(event);
            let Some(base) = base.as_ref().filter(|_| got_it) else {
                continue;
            };
            let steady = group.key.steady();
            let is_there = self.groups.iter().any(|group| group.key == steady);
            let Some(group) = self.groups.get_mut(at) else {
                continue;
            };
            if !is_there {
                group.key = steady;
                group.base = Some(base.clone());
                continue;
            }
            group.run = None;
            for slot in std::mem::take(&mut group.members) {
                let (standing, group) = self.join_group(slot, steady.clone());
                group.base = Some(base.clone());
                put(id, slot, standing, connections);
            }
        }
    }

    pub(super) fn leave_group(
        &mut self,
        id: u32,
        group: u32,
        index: u32,
        connections: &mut impl AttachmentsBySlot,
    ) {
        let Some(row) = self.groups.get_mut(group as usize) else {
            return;
        };
        row.run = None;
        row.members.swap_remove(index as usize);
        if let Some(&moved) = row.members.get(index as usize) {
            put(id, moved, Standing::Member { group, index }, connections);
        }
        if row.members.is_empty() {
            row.base = None;
        }
        if row.members.len() * 4 < row.members.capacity() {
            row.members.shrink_to(row.members.len() * 2);
        }
    }
}
