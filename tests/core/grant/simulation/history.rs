//! The acts of a history, and how they are chosen.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::grant::words::DAY;

/// The settings and the grants of a history.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) replay_window: u64,
    pub(crate) plans: [Plan; 2],
}

/// The kind of a grant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Its client has no secret: each refresh token can be used once.
    pub(crate) public: bool,
    pub(crate) offline: bool,
    pub(crate) refreshable: bool,
}

/// The clock moves, then an act follows, and the storage works or fails.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    pub(crate) wait: i64,
    pub(crate) act: Act,
    pub(crate) storage: Storage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    Works,
    /// Nothing is stored; the caller gets an error.
    FailsBefore,
    /// It is stored, but the caller does not get the response.
    FailsAfter,
}

/// `grant` is 0 or 1.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// The user consents, or sends the form again.
    Allow {
        grant: usize,
    },
    Redeem {
        grant: usize,
        who: Who,
        uri: Uri,
    },
    Refresh {
        grant: usize,
        who: Who,
        token: Token,
        scope: Ask,
        resources: Ask,
    },
    Revoke {
        grant: usize,
        who: Who,
    },
    /// Its client gets a secret, or loses it.
    Reregister {
        grant: usize,
    },
    /// An operator changes the rights of its client or its user, and may disable or enable them.
    Limit {
        grant: usize,
        rights: Limits,
    },
    /// The user signs out.
    SignOut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// The rightful client: it has the tokens that it received.
    Owner,
    /// An eavesdropper: it has every handle, but neither verifier nor secret. If the client has no secret either, it
    /// passes for the client.
    Thief,
    /// Another client, which has every handle and the verifier.
    Stranger,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Uri {
    Right,
    Absent,
    Elsewhere,
}

/// Which refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A known one, this many before the newest.
    Back(usize),
    /// A correctly signed one that has not been issued yet.
    Unborn,
    /// The newest with one character changed.
    Forged,
    /// The code, in place of a refresh token.
    Code,
}

/// The current rights of a client and its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Of the scope, by the client: all, `read`, or nothing.
    pub(crate) client: Left,
    /// Of the scope, by the user: all, `write`, or nothing.
    pub(crate) user: Left,
    /// Of the resources: all, the files, or nothing.
    pub(crate) resources: Left,
    /// Whether the client may have `offline_access`.
    pub(crate) offline: bool,
    /// Whether the isolate has the client's record itself, or a cached copy.
    pub(crate) exact: bool,
    /// Whether the client and the user are disabled.
    pub(crate) client_disabled: bool,
    pub(crate) user_disabled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    All,
    Part,
    Nothing,
}

impl Limits {
    pub(crate) const NONE: Self = Self {
        client: Left::All,
        user: Left::All,
        resources: Left::All,
        offline: true,
        exact: true,
        client_disabled: false,
        user_disabled: false,
    };

    /// Whether a scope value of the grant is still allowed.
    pub(crate) fn allow(&self, value: &str) -> bool {
        let by = |left, part| left == Left::All || (left == Left::Part && value == part);
        by(self.client, "read") && by(self.user, "write")
    }

    /// Whether nothing of the grant is allowed any more.
    pub(crate) fn take_everything(&self) -> bool {
        self.resources == Left::Nothing || !["read", "write"].into_iter().any(|value| self.allow(value))
    }
}

/// Which part of the granted rights a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    Nothing,
    Part,
    TooMuch,
}

pub(crate) fn any_setup() -> impl Strategy<Value = Setup> {
    let plan = (any::<bool>(), any::<bool>(), prop::bool::weighted(0.85))
        .prop_map(|(secret, offline, refreshable)| Plan { public: !secret, offline, refreshable });
    (select(vec![30, 5, 0]), plan.clone(), plan)
        .prop_map(|(replay_window, first, second)| Setup { replay_window, plans: [first, second] })
}

impl Setup {
    /// Acts that can only lose responses, for an honest client.
    pub(crate) fn with_a_window(self) -> Self {
        Self { replay_window: 30, plans: self.plans.map(|plan| Plan { refreshable: true, ..plan }) }
    }
}

/// Any acts in any order; mostly with grants that have been redeemed.
pub(crate) fn any_history() -> impl Strategy<Value = Vec<Turn>> {
    let begun = |grants: &'static [usize]| grants.iter().flat_map(|grant| begin(*grant)).collect::<Vec<_>>();
    let beginnings = vec![begun(&[]), begun(&[0]), begun(&[0]), begun(&[0, 1])];
    (select(beginnings), vec(any_turn(), 0..20)).prop_map(|(beginning, turns)| [beginning, turns].concat())
}

/// A code is issued and redeemed.
pub(crate) fn begin(grant: usize) -> [Turn; 2] {
    let redeem = Act::Redeem { grant, who: Who::Owner, uri: Uri::Right };
    [Act::Allow { grant }, redeem].map(|act| Turn { wait: 0, act, storage: Storage::Works })
}

const DAYS: i64 = DAY as i64;

fn any_turn() -> impl Strategy<Value = Turn> {
    // The number of rows of an act in a table is its weight, and the first row is what it shrinks to.
    // (`prop_oneof` would do the same, and take ten times as long as playing.)
    let waits = &[
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        1,
        1,
        2,
        3,
        4,
        4,
        5,
        5,
        6,
        6,
        10,
        15,
        20,
        25,
        29,
        29,
        30,
        30,
        31,
        31,
        59,
        60,
        61,
        600,
        3600,
        -1,
        -5,
        -40,
        DAYS,
        13 * DAYS,
        14 * DAYS,
        90 * DAYS,
    ];
    let storages = [&[Storage::Works; 6][..], &[Storage::FailsBefore], &[Storage::FailsAfter; 2]].concat();
    let kinds = b"ffffffffffffffffrrrrraavscll";
    let grants = &[0, 0, 0, 1];
    let whos = [&[Who::Owner; 5][..], &[Who::Thief; 2], &[Who::Stranger]].concat();
    let uris = [&[Uri::Right; 4][..], &[Uri::Absent, Uri::Elsewhere]].concat();
    let back = Token::Back;
    let tokens =
        [&[back(0); 12][..], &[back(1); 5], &[back(2), back(2), back(3), Token::Unborn, Token::Forged, Token::Code]];
    let lefts = || select([&[Left::All; 3][..], &[Left::Part; 2], &[Left::Nothing]].concat());
    let disabled = || prop::bool::weighted(0.2);
    let flags = (any::<bool>(), any::<bool>(), disabled(), disabled());
    let limits = (lefts(), lefts(), lefts(), flags).prop_map(
        |(client, user, resources, (not_offline, copy, client_disabled, user_disabled))| Limits {
            client,
            user,
            resources,
            offline: !not_offline,
            exact: !copy,
            client_disabled,
            user_disabled,
        },
    );
    let asks = || select([&[Ask::Nothing; 6][..], &[Ask::Part; 2], &[Ask::TooMuch]].concat());
    let act = (
        select(&kinds[..]),
        select(&grants[..]),
        select(whos),
        select(uris),
        select(tokens.concat()),
        asks(),
        asks(),
        limits,
    )
        .prop_map(|(kind, grant, who, uri, token, scope, resources, rights)| match kind {
            b'f' => Act::Refresh { grant, who, token, scope, resources },
            b'r' => Act::Redeem { grant, who, uri },
            b'a' => Act::Allow { grant },
            b'v' => Act::Revoke { grant, who },
            b'c' => Act::Reregister { grant },
            b'l' => Act::Limit { grant, rights },
            _ => Act::SignOut,
        });
    (select(&waits[..]), act, select(storages)).prop_map(|(wait, act, storage)| Turn { wait, act, storage })
}

/// Rounds of a client that follows the rules: at times it refreshes, and retries, at most the window after its first
/// attempt, until it gets a response. In between others send requests that must yield nothing.
pub(crate) fn honest_history() -> impl Strategy<Value = Vec<Turn>> {
    let lost = select(vec![Storage::FailsBefore, Storage::FailsAfter]);
    let tries = vec((0..=6_i64, lost, nuisance()), 0..5);
    let round =
        (select(vec![0, 1, 29, 31, 600, 3600, DAYS, 5 * DAYS]), tries, 0..=6_i64).prop_map(|(idle, tries, last)| {
            let mut turns = Vec::new();
            let mut wait = idle;
            for (next, storage, nuisance) in tries {
                turns.push(Turn { wait, act: refresh(), storage });
                turns.extend(nuisance);
                wait = next;
            }
            turns.push(Turn { wait: wait.min(last), act: refresh(), storage: Storage::Works });
            turns
        });
    vec(round, 0..5).prop_map(|rounds| [begin(0).to_vec(), rounds.concat()].concat())
}

fn refresh() -> Act {
    let (token, scope, resources) = (Token::Back(0), Ask::Nothing, Ask::Nothing);
    Act::Refresh { grant: 0, who: Who::Owner, token, scope, resources }
}

/// Acts that must not harm grant 0.
fn nuisance() -> impl Strategy<Value = Option<Turn>> {
    let (token, scope, resources) = (Token::Back(0), Ask::Nothing, Ask::Nothing);
    let code = Act::Redeem { grant: 0, who: Who::Thief, uri: Uri::Right };
    let strangers = Act::Refresh { grant: 0, who: Who::Stranger, token: Token::Back(2), scope, resources };
    let revoked = Act::Revoke { grant: 0, who: Who::Stranger };
    let forged = Act::Refresh { grant: 0, who: Who::Thief, token: Token::Forged, scope, resources };
    let greedy = Act::Refresh { grant: 0, who: Who::Owner, token, scope: Ask::TooMuch, resources };
    let acts = vec![code, strangers, revoked, forged, greedy, Act::Allow { grant: 0 }, Act::Allow { grant: 1 }];
    let turns = acts.into_iter().map(|act| Some(Turn { wait: 0, act, storage: Storage::Works }));
    select([None; 8].into_iter().chain(turns).collect::<Vec<_>>())
}
