//! Where the status of our own tokens stands (draft-ietf-oauth-status-list): a grant or a service client has one entry in
//! one list, and every token of it bears that entry.
//!
//! A list has a fixed size, and another is opened when it is full, so that capacity grows with what is issued and nothing has
//! to be sharded by hand. Entries are handed out in batches, ahead of need: whoever issues a grant takes one from memory.
//! A full list is opened again only when the last token that could bear any of its entries has long expired.
//!
//! Herd privacy (section 12.1 of the draft): whoever fetches a list tells the authority that one of 131,072 entries matters, not which. Entries are
//! handed out in a shuffled order, so that neighbours in a list tell nothing about who came when.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::token::UnixTime;

use crate::oauth::vocabulary::authority::Authority;
use crate::oauth::vocabulary::lifetimes::Lifetimes;

pub use crate::oauth::vocabulary::status_entry::{ListId, STATUS_PATH, StatusEntry};

/// How many entries a list has.
pub const LIST_SIZE: u32 = 1 << 17;
/// How long a verifier may keep a list before it asks for a newer one (the claim `ttl`), seconds.
pub const STATUS_TTL: u64 = 20;
/// How old the copy of a list that an isolate serves may be before somebody looks for a newer one, seconds. While one looks, others
/// serve the old one, for as long again.
pub const STATUS_REFRESH: u64 = 5;
/// How long a signed list is valid, seconds: what a verifier may do with if it cannot reach us.
pub const STATUS_LIFETIME: u64 = 600;
/// Lists that were signed within one such span have the same times, so that an unchanged list needs no second download, seconds.
pub const STATUS_SPAN: u64 = 120;
/// How long an isolate may hand out the entries of a batch, seconds.
pub const BATCH_TTL: u64 = 3600;
/// The most entries in one batch.
pub const MAX_BATCH: u32 = 1024;
/// How long an entry rests between the last token that could bear it and the next that does, seconds: longer than any verifier keeps a list.
const REST: u64 = 24 * 3600;

/// For whom the entries of a list are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bearers {
    /// Grants. They end by themselves, and so does the list.
    Grants,
    /// Service clients. They stay until somebody removes them; then their entry is free.
    Clients,
}

/// How far a list has been handed out.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Allocation {
    /// To whom.
    pub bearers: Bearers,
    /// How many entries have been handed out.
    next: u32,
    /// Until when the last batch may be handed on.
    until: UnixTime,
    /// What the order in which they are handed out is made of.
    order: [u32; 4],
}

impl Allocation {
    /// A list of which nothing has been handed out. `random` sets the order.
    pub fn new(bearers: Bearers, random: [u8; 16]) -> Self {
        let (words, _) = random.as_chunks::<4>();
        let mut order = [0; 4];
        order.iter_mut().zip(words).for_each(|(word, bytes)| *word = u32::from_le_bytes(*bytes));
        Self { bearers, next: 0, until: UnixTime(0), order }
    }

    /// The entry that is handed out as the `n`th. Each round can be undone, so that every entry has its turn once. It is no cipher, and
    /// need not be: the times in the tokens tell more than their places.
    fn place(&self, n: u32) -> u32 {
        self.order.iter().fold(n, |place, word| {
            let mixed = place.wrapping_mul(*word | 1).wrapping_add(*word >> 15) % LIST_SIZE;
            mixed ^ (mixed >> 9)
        })
    }

    /// Has everything been handed out?
    pub fn is_full(&self) -> bool {
        self.next >= LIST_SIZE
    }

    /// Hands out at most `count` entries of this list, which is called `list`.
    pub fn hand_out(&mut self, list: ListId, count: u32, now: UnixTime) -> Vec<StatusEntry> {
        let end = self.next.saturating_add(count.min(MAX_BATCH)).min(LIST_SIZE);
        let entries = (self.next..end).map(|n| StatusEntry { list, idx: self.place(n) }).collect();
        self.next = end;
        self.until = self.until.max(now.plus(BATCH_TTL));
        entries
    }

    /// May the list be opened anew? Not before the last token that could bear any of its entries has rested.
    pub fn may_be_opened_anew(&self, lifetimes: &Lifetimes, now: UnixTime) -> bool {
        let longest = lifetimes.code + lifetimes.refresh.max(lifetimes.access) + lifetimes.access;
        self.bearers == Bearers::Grants && self.is_full() && now >= self.until.plus(longest + REST)
    }
}

/// The list to open when the present one is full: the first that may be opened anew, or else a new one; `count` is how many there are.
pub fn next_list<'a>(
    lists: impl IntoIterator<Item = (ListId, &'a Allocation)>,
    count: u32,
    lifetimes: &Lifetimes,
    now: UnixTime,
) -> ListId {
    let mut lists = lists.into_iter();
    let rested = lists.find(|(_, allocation)| allocation.may_be_opened_anew(lifetimes, now));
    rested.map_or(ListId(count), |(list, _)| list)
}

/// From when an entry whose last token expires then may be handed out again.
pub fn rested(last_token_ends: UnixTime) -> UnixTime {
    last_token_ends.plus(REST)
}

/// When a list that is signed now says that it was made: the beginning of the span.
pub fn span_start(now: UnixTime) -> UnixTime {
    UnixTime(now.0 - now.0 % STATUS_SPAN)
}

/// The claims of a status list token (section 5.1). `lst` is the encoded list.
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
    fn each_entry_is_handed_out_once_whatever_the_order() {
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
    fn a_list_comes_back_only_after_all_that_bore_its_entries() {
        let mut allocation = Allocation::new(Bearers::Grants, [9; 16]);
        while !allocation.is_full() {
            allocation.hand_out(ListId(0), MAX_BATCH, T0);
        }
        // The last entry is given to a grant at the end of the batch's time, its code is redeemed at the last moment, the grant is used for
        // as long as it lasts, and its last token is checked until it expires.
        let last_token_ends = T0.plus(BATCH_TTL + 60 + 90 * 86_400 + 600);
        assert!(!allocation.may_be_opened_anew(&LIFETIMES, last_token_ends.plus(REST - 1)));
        assert!(allocation.may_be_opened_anew(&LIFETIMES, last_token_ends.plus(REST)));
        let longer = Lifetimes { refresh: 100 * 86_400, ..LIFETIMES };
        assert!(!allocation.may_be_opened_anew(&longer, last_token_ends.plus(REST)));
    }

    #[test]
    fn a_list_that_is_not_full_and_one_of_clients_stay() {
        let late = T0.plus(1000 * 86_400);
        let mut open = Allocation::new(Bearers::Grants, [1; 16]);
        open.hand_out(ListId(0), 10, T0);
        assert!(!open.may_be_opened_anew(&LIFETIMES, late));
        let mut clients = Allocation::new(Bearers::Clients, [1; 16]);
        while !clients.is_full() {
            clients.hand_out(ListId(1), MAX_BATCH, T0);
        }
        assert!(!clients.may_be_opened_anew(&LIFETIMES, late));
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
            // As the directory keeps them.
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
    fn names_of_lists() {
        assert_eq!(ListId::parse("12"), Some(ListId(12)));
        for bad in ["", "012", "+1", "-1", "1.0", "4294967296", "x"] {
            assert_eq!(ListId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_signed_list_outlives_the_span_in_which_it_was_signed() {
        const { assert!(STATUS_LIFETIME > STATUS_SPAN + 2 * STATUS_TTL) };
        assert!(span_start(T0).0 <= T0.0 && span_start(T0).0 + STATUS_SPAN > T0.0);
    }
}
