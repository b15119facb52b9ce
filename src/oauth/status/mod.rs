//! Status lists (draft-ietf-oauth-status-list) and the allocation of their entries. A grant or a service client has one entry
//! in one list, which all of its access tokens name.
//!
//! A list has a fixed size, and a full one is followed by another, so capacity grows with use and nothing is sharded by hand.
//! Entries are allocated in batches ahead of need: a new grant takes one from memory. A full list is reused only when the
//! last token that can name any of its entries has long expired.
//!
//! Herd privacy (section 12.1 of the draft): a verifier that fetches a list reveals only that one of 131,072 entries matters.
//! Entries are allocated in a shuffled order, so neighbours in a list say nothing about the time of their allocation.

pub mod pool;
pub mod revoked;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::limits::{
    BATCH_TTL, DEVICE_CODE_TTL, ENTRY_REST, LIST_SIZE, MAX_BATCH, MAX_TOKEN_TTL, STATUS_SPAN, STATUS_TTL,
};
use crate::token::UnixTime;

use crate::oauth::vocabulary::authority::Authority;
use crate::oauth::vocabulary::lifetimes::Lifetimes;

pub use crate::oauth::vocabulary::status_entry::{ListId, STATUS_PATH, StatusEntry};

/// The lifetime of a signed list, seconds: how long a verifier can use it if this server is unreachable.
pub const STATUS_LIFETIME: u64 = 600;

/// Who holds the entries of a list: grants or service clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bearers {
    /// Grants. They expire, so the list can be reused.
    Grants,
    /// Service clients. They stay until they are removed; then their entry is free.
    Clients,
}

/// The state of a list's allocation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Allocation {
    /// Who holds the entries.
    pub bearers: Bearers,
    /// The number of allocated entries.
    next: u32,
    /// When the last batch expires.
    until: UnixTime,
    /// The random words that determine the order.
    order: [u32; 4],
}

impl Allocation {
    /// Returns a list without allocated entries. `random` determines the order.
    pub fn new(bearers: Bearers, random: [u8; 16]) -> Self {
        let (words, _) = random.as_chunks::<4>();
        let mut order = [0; 4];
        order.iter_mut().zip(words).for_each(|(word, bytes)| *word = u32::from_le_bytes(*bytes));
        Self { bearers, next: 0, until: UnixTime(0), order }
    }

    /// Returns the `n`th entry of the order. Each round is a bijection, so every entry occurs once. It is not a cipher and need
    /// not be: the times in the tokens reveal more than their entries.
    fn place(&self, n: u32) -> u32 {
        self.order.iter().fold(n, |place, word| {
            let mixed = place.wrapping_mul(*word | 1).wrapping_add(*word >> 15) % LIST_SIZE;
            mixed ^ (mixed >> 9)
        })
    }

    /// Returns whether all entries are allocated.
    pub fn is_full(&self) -> bool {
        self.next >= LIST_SIZE
    }

    /// Allocates at most `count` entries of this list, whose number is `list`.
    pub fn hand_out(&mut self, list: ListId, count: u32, now: UnixTime) -> Vec<StatusEntry> {
        let end = self.next.saturating_add(count.min(MAX_BATCH)).min(LIST_SIZE);
        let entries = (self.next..end).map(|n| StatusEntry { list, idx: self.place(n) }).collect();
        self.next = end;
        self.until = self.until.max(now.plus(BATCH_TTL));
        entries
    }

    /// Returns whether the list can be reused: not before the rest after the last token that can name any of its entries.
    pub fn can_be_reused(&self, lifetimes: &Lifetimes, now: UnixTime) -> bool {
        let longest = lifetimes.code.max(DEVICE_CODE_TTL) + lifetimes.refresh.max(MAX_TOKEN_TTL) + MAX_TOKEN_TTL;
        self.bearers == Bearers::Grants && self.is_full() && now >= self.until.plus(longest + ENTRY_REST)
    }
}

/// Returns the list to open when the current one is full: the first that can be reused, or else a new one. `count` is the
/// number of lists.
pub fn next_list<'a>(
    lists: impl IntoIterator<Item = (ListId, &'a Allocation)>,
    count: u32,
    lifetimes: &Lifetimes,
    now: UnixTime,
) -> ListId {
    let mut lists = lists.into_iter();
    let rested = lists.find(|(_, allocation)| allocation.can_be_reused(lifetimes, now));
    rested.map_or(ListId(count), |(list, _)| list)
}

/// Returns when an entry can be allocated again whose last token expires at that time.
pub fn rested(last_token_ends: UnixTime) -> UnixTime {
    last_token_ends.plus(ENTRY_REST)
}

/// Returns the `iat` of a list that is signed now: the start of the span.
pub fn span_start(now: UnixTime) -> UnixTime {
    UnixTime(now.0 - now.0 % STATUS_SPAN)
}

/// Returns the claims of a status list token (section 5.1). `lst` is the encoded list.
pub fn list_claims(authority: &Authority, list: ListId, lst: &str, now: UnixTime) -> Value {
    let iat = span_start(now);
    json!({
        "iss": authority.issuer(),
        "sub": list.uri(authority),
        "iat": iat,
        "exp": iat.plus(STATUS_LIFETIME),
        "ttl": STATUS_TTL,
        "status_list": { "bits": 1, "lst": lst },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const T0: UnixTime = UnixTime(1_800_000_000);
    const LIFETIMES: Lifetimes =
        Lifetimes { code: 60, replay_window: 30, refresh: 90 * 86_400, refresh_idle: 14 * 86_400, access: 600 };

    fn everything_of(mut allocation: Allocation, batch: u32) -> Vec<StatusEntry> {
        let mut entries = Vec::new();
        while !allocation.is_full() {
            entries.extend(allocation.hand_out(ListId(3), batch, T0));
        }
        entries
    }

    #[test]
    fn each_entry_is_allocated_once_in_any_order() {
        for random in [[0; 16], [255; 16], *b"sixteen of chance".first_chunk().unwrap()] {
            let entries = everything_of(Allocation::new(Bearers::Grants, random), 1000);
            let distinct: HashSet<_> = entries.iter().map(|entry| entry.idx).collect();
            assert_eq!(entries.len(), LIST_SIZE as usize);
            assert_eq!(distinct.len(), LIST_SIZE as usize);
            assert!(entries.iter().all(|entry| entry.list == ListId(3) && entry.idx < LIST_SIZE));
        }
    }

    #[test]
    fn a_batch_is_bounded_and_a_full_list_gives_nothing() {
        let mut allocation = Allocation::new(Bearers::Grants, [7; 16]);
        assert_eq!(allocation.hand_out(ListId(0), u32::MAX, T0).len(), MAX_BATCH as usize);
        while !allocation.is_full() {
            allocation.hand_out(ListId(0), MAX_BATCH, T0);
        }
        assert!(allocation.hand_out(ListId(0), 1, T0).is_empty());
    }

    #[test]
    fn a_list_is_reused_only_after_all_tokens_with_its_entries() {
        let mut allocation = Allocation::new(Bearers::Grants, [9; 16]);
        while !allocation.is_full() {
            allocation.hand_out(ListId(0), MAX_BATCH, T0);
        }
        // A grant takes the last entry when its batch expires, its device code is redeemed at the last moment, the grant is used
        // until it expires, and its last token is checked until it expires: a resource may demand the longest lifetime.
        let last_token_ends = T0.plus(BATCH_TTL + 900 + 90 * 86_400 + MAX_TOKEN_TTL);
        assert!(!allocation.can_be_reused(&LIFETIMES, last_token_ends.plus(ENTRY_REST - 1)));
        assert!(allocation.can_be_reused(&LIFETIMES, last_token_ends.plus(ENTRY_REST)));
        let longer = Lifetimes { refresh: 100 * 86_400, ..LIFETIMES };
        assert!(!allocation.can_be_reused(&longer, last_token_ends.plus(ENTRY_REST)));
    }

    #[test]
    fn a_list_that_is_not_full_and_one_of_clients_stay() {
        let late = T0.plus(1000 * 86_400);
        let mut open = Allocation::new(Bearers::Grants, [1; 16]);
        open.hand_out(ListId(0), 10, T0);
        assert!(!open.can_be_reused(&LIFETIMES, late));
        let mut clients = Allocation::new(Bearers::Clients, [1; 16]);
        while !clients.is_full() {
            clients.hand_out(ListId(1), MAX_BATCH, T0);
        }
        assert!(!clients.can_be_reused(&LIFETIMES, late));
    }

    #[test]
    fn a_rested_list_is_opened_before_a_new_one_even_the_first() {
        let full = |bearers| {
            let mut allocation = Allocation::new(bearers, [5; 16]);
            while !allocation.is_full() {
                allocation.hand_out(ListId(0), MAX_BATCH, T0);
            }
            allocation
        };
        let (old, clients) = (full(Bearers::Grants), full(Bearers::Clients));
        let late = T0.plus(200 * 86_400);
        let next = |lists: &[(u32, &Allocation)], now| {
            // In the order of the directory.
            let lists: Vec<_> = lists.iter().map(|(number, list)| (ListId(*number).key(), *list)).collect();
            let lists = lists.iter().map(|(key, list)| (ListId::from_key(key).unwrap(), *list));
            next_list(lists, 3, &LIFETIMES, now)
        };
        assert_eq!(next(&[(0, &old), (1, &clients), (2, &old)], late), ListId(0));
        assert_eq!(next(&[(0, &clients), (1, &clients), (2, &old)], late), ListId(2));
        assert_eq!(next(&[(0, &old), (1, &clients), (2, &old)], T0), ListId(3));
        assert_eq!(next(&[], late), ListId(3));
    }

    #[test]
    fn a_signed_list_outlives_the_span_in_which_it_was_signed() {
        const { assert!(STATUS_LIFETIME > STATUS_SPAN + 2 * STATUS_TTL) };
        assert!(span_start(T0).0 <= T0.0 && span_start(T0).0 + STATUS_SPAN > T0.0);
    }
}
