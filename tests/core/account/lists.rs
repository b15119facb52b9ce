//! Random histories of one status list, whose object restarts and whose storage fails.

use std::collections::BTreeMap;

use edgemint::limits::LIST_SIZE;
use edgemint::oauth::status::revoked::{EncodedList, RevokedEntries, Suspension};
use edgemint::records::Records as _;
use edgemint::token::UnixTime;
use edgemint::token::status::{Status, StatusList};

use super::random::{Random, play_all};
use super::storage::{Fault, Storage};

const START: u64 = 1_800_000_000;
const ENTRIES: u32 = 4;

#[derive(Clone, Copy, Debug)]
struct Happening {
    act: Act,
    fault: Option<Fault>,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Revoke {
        first: u32,
        count: u32,
        seconds: u64,
    },
    /// A message of an account: the newest, or an older one that comes late.
    Suspend {
        idx: u32,
        marked: bool,
        seconds: u64,
        late: bool,
    },
    Read {
        knows: bool,
    },
    Restart,
    Sweep,
    Wait {
        seconds: u64,
    },
}

fn any(random: &mut Random) -> Happening {
    let idx = u32::try_from(random.below(u64::from(ENTRIES))).unwrap();
    let act = match random.below(12) {
        10 | 11 => Act::Suspend {
            idx,
            marked: random.chance(50),
            seconds: random.one_of(&[0, 1, 100, 600]),
            late: random.chance(30),
        },
        0..3 => Act::Revoke {
            first: u32::try_from(random.below(u64::from(ENTRIES))).unwrap(),
            count: 1 + u32::try_from(random.below(3)).unwrap(),
            seconds: random.one_of(&[0, 1, 100, 600]),
        },
        3..7 => Act::Read { knows: random.chance(70) },
        7 => Act::Restart,
        8 => Act::Sweep,
        _ => Act::Wait { seconds: random.one_of(&[1, 59, 100, 700]) },
    };
    Happening { act, fault: Fault::random(random, 30, 4) }
}

fn play(history: &[Happening]) -> Result<(), String> {
    let storage = Storage::default();
    let mut list = RevokedEntries::default();
    let mut now = START;
    // Until when each entry is revoked: the certain time, and the latest possible one, where a response was lost.
    let (mut certain, mut possible): (BTreeMap<u32, u64>, BTreeMap<u32, u64>) = Default::default();
    // The newest suspension that each entry has been told, and the last one whose response was not lost; the version of the next.
    let (mut newest, mut heard): (BTreeMap<u32, Suspension>, BTreeMap<u32, Suspension>) = Default::default();
    let mut version = 0;
    let mut published: Option<EncodedList> = None;
    for (at, Happening { act, fault }) in history.iter().enumerate() {
        storage.begin(*fault);
        match *act {
            Act::Revoke { first, count, seconds } => {
                let entries: Vec<_> = (first..first + count).map(|idx| (idx, UnixTime(now + seconds))).collect();
                let is_certain = list.revoke(&storage, entries.clone(), UnixTime(now)).is_ok();
                for (idx, until) in entries {
                    for known in [Some(&mut possible), is_certain.then_some(&mut certain)].into_iter().flatten() {
                        let known = known.entry(idx).or_default();
                        *known = (*known).max(until.0);
                    }
                }
            }
            Act::Suspend { idx, marked, seconds, late } => {
                let last = newest.get(&idx).copied();
                let until = UnixTime(now + seconds);
                // An earlier message knew of no later tokens.
                let older =
                    last.filter(|_| late).map(|it| Suspension { version: it.version - 1, marked: !it.marked, ..it });
                let suspension = older.unwrap_or_else(|| {
                    version += 1;
                    Suspension { until, version, marked }
                });
                let is_certain = list.suspend(&storage, [(idx, suspension)], UnixTime(now)).is_ok();
                if older.is_none() && until.0 > now {
                    // Tokens that an earlier message knew of may live longer.
                    let until = last.map_or(until, |last| last.until.max(until));
                    newest.insert(idx, Suspension { until, ..suspension });
                    if is_certain {
                        heard.insert(idx, Suspension { until, ..suspension });
                    }
                }
            }
            Act::Read { knows } => {
                let known = published.as_ref().filter(|_| knows).map(|list| list.digest.as_str());
                if let Ok(news) = list.read(&storage, known, UnixTime(now)) {
                    if news.is_none() && known.is_none() {
                        return Err(format!("turn {at}: a reader that knows nothing is told nothing"));
                    }
                    published = news.or(published);
                    let shown = StatusList::decode(1, &published.as_ref().unwrap().lst).unwrap();
                    for idx in 0..ENTRIES + 4 {
                        let is_revoked = shown.status(u64::from(idx)).unwrap() == Status::Invalid;
                        let is_due = |known: &BTreeMap<u32, u64>| known.get(&idx).is_some_and(|until| now < *until);
                        // A lost response leaves open which of two messages the list has applied.
                        let is_clear = newest.get(&idx) == heard.get(&idx);
                        let suspension = newest.get(&idx);
                        let suspended = suspension.is_some_and(|it| it.marked && now < it.until.0);
                        if is_clear && suspended && !is_revoked {
                            return Err(format!("turn {at}: entry {idx} is not suspended"));
                        }
                        if !is_clear || suspension.is_some_and(|it| it.marked) {
                            continue;
                        }
                        if is_due(&certain) && !is_revoked {
                            return Err(format!("turn {at}: entry {idx} is not revoked"));
                        }
                        if is_revoked && !is_due(&possible) {
                            return Err(format!("turn {at}: entry {idx} is revoked"));
                        }
                    }
                }
            }
            Act::Restart => list = RevokedEntries::default(),
            Act::Sweep => {
                let _ = storage.sweep(UnixTime(now));
            }
            Act::Wait { seconds } => now += seconds,
        }
        if storage.end() && fault.is_some_and(|fault| fault.discards) {
            // The platform restarts the object.
            list = RevokedEntries::default();
        }
    }
    Ok(())
}

#[test]
fn a_status_list_shows_what_is_revoked_and_nothing_else() {
    play_all(120, 30, any, play);
}

#[test]
fn an_entry_outside_of_the_list_is_ignored() {
    let (storage, mut list) = (Storage::default(), RevokedEntries::default());
    storage.begin(None);
    list.revoke(&storage, [(LIST_SIZE, UnixTime(START + 600))], UnixTime(START)).unwrap();
    assert_eq!(storage.len(), 0);
    let empty = RevokedEntries::default().read(&Storage::default(), None, UnixTime(START)).unwrap();
    assert_eq!(list.read(&storage, None, UnixTime(START)).unwrap(), empty);
}

#[test]
fn a_mark_lasts_as_long_as_the_last_token_that_any_message_knew_of() {
    let (storage, mut list) = (Storage::default(), RevokedEntries::default());
    storage.begin(None);
    for (version, seconds) in [(1, 600), (2, 100)] {
        let suspension = Suspension { until: UnixTime(START + seconds), version, marked: true };
        list.suspend(&storage, [(3, suspension)], UnixTime(START)).unwrap();
    }
    let is_marked = |list: &mut RevokedEntries, seconds| {
        let shown = list.read(&storage, None, UnixTime(START + seconds)).unwrap().unwrap();
        StatusList::decode(1, &shown.lst).unwrap().status(3).unwrap() == Status::Invalid
    };
    for list in [&mut list, &mut RevokedEntries::default()] {
        assert!(is_marked(list, 0) && is_marked(list, 599));
        assert!(!is_marked(list, 600));
    }
}
