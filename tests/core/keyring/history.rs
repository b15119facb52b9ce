//! What can happen, and how it is chosen.

/// What a history begins with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    /// How old a value of KV may be, seconds.
    pub(crate) staleness: u64,
    /// How far each clock is off: the object's, the isolates', the verifiers'. Any two differ by two minutes at most.
    pub(crate) skews: [i64; 5],
    /// May the clock of the machine that issues tokens be set wrong, and right again?
    pub(crate) clock_jumps: bool,
    pub(crate) rotation_days: u64,
    pub(crate) both_algorithms: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct History {
    pub(crate) setup: Setup,
    pub(crate) turns: Vec<Turn>,
}

/// Time passes, then something happens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    pub(crate) wait: Wait,
    pub(crate) act: Act,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Wait {
    Seconds(u64),
    /// Until so long before or after the next time at which a key's life changes.
    Turning(i64),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// An isolate is asked for a token.
    Sign { isolate: usize, wanted: Option<usize>, lives: u64, look: Look },
    /// A verifier has to check tokens; if its key set is too old, it fetches another.
    Verify { verifier: usize, isolate: usize, by_cache: bool, look: Look },
    /// The object receives a command.
    Ask { what: Ask, isolate: usize, fate: Fate },
    /// The object's alarm.
    Alarm { fate: Fate },
    /// An isolate is cut off from KV and the object, or no longer is.
    CutOff { isolate: usize },
    /// An isolate restarts.
    Restart { isolate: usize },
    /// The operator signs with both algorithms, or with one.
    Settings { both: bool },
    /// The clock of the machine that issues tokens is set: so far from the right time. A clock that the object has seen does not run
    /// backwards there until the object starts again.
    Clock { off: i64, restarts: bool },
    /// The keyring object is restored from a backup: what it had stored so many changes ago. The store is not.
    RestoreObject { ago: usize },
}

/// How reading KV goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// How old the value is: not at all, half or all of what it may be.
    pub(crate) age: Age,
    /// It never returns; other requests continue meanwhile.
    pub(crate) hangs: bool,
    /// What happens to the object, if the isolate has to ask it.
    pub(crate) fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    Fresh,
    Half,
    Oldest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    Cron,
    Reseal,
    Rotate,
    /// The key that is so many after the first one.
    Revoke(usize),
    ImportToSign(usize),
    ImportToVerify(u64),
    /// What an operator does after all state was restored.
    Restored,
}

/// What happens during the object's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fate {
    pub(crate) mishap: Option<(Effect, Mishap)>,
    /// How long its write to KV takes, seconds.
    pub(crate) takes: u64,
    /// How old the ring is that it reads in KV.
    pub(crate) age: Age,
}

/// The effects of the keeper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    ReadStored,
    ReadKv,
    Open,
    Generate,
    Seal,
    SetAlarm,
    Store,
    Publish,
    Mark,
    DeleteAlarm,
}

/// What goes wrong with an effect, the first time that it is executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// The object dies before it.
    DiesFirst,
    /// The object dies after it.
    DiesDone,
    /// It fails, and has done nothing.
    FailsFirst,
    /// It is reported to have failed, and is done nevertheless.
    FailsDone,
}

pub(crate) const DIES_STORED: (Effect, Mishap) = (Effect::Store, Mishap::DiesDone);
pub(crate) const REFUSED_AND_PUBLISHED: (Effect, Mishap) = (Effect::Publish, Mishap::FailsDone);

const EFFECTS: [Effect; 10] = [
    Effect::ReadStored,
    Effect::ReadKv,
    Effect::Open,
    Effect::Generate,
    Effect::Seal,
    Effect::SetAlarm,
    Effect::Store,
    Effect::Publish,
    Effect::Mark,
    Effect::DeleteAlarm,
];
const MISHAPS: [Mishap; 4] = [Mishap::DiesFirst, Mishap::DiesDone, Mishap::FailsFirst, Mishap::FailsDone];

pub(crate) const WELL: Fate = Fate { mishap: None, takes: 0, age: Age::Fresh };
pub(crate) const NOW: Look = Look { age: Age::Fresh, hangs: false, fate: WELL };

/// Pseudorandom numbers, the same ones for the same seed (xorshift64*).
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        // Neighbouring seeds have to differ everywhere.
        Self((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33
    }

    fn below(&mut self, end: usize) -> usize {
        self.next() as usize % end
    }

    fn of<T: Copy>(&mut self, things: &[T]) -> T {
        things[self.below(things.len())]
    }

    fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
const SECONDS: [u64; 24] = [
    0,
    0,
    0,
    0,
    1,
    29,
    30,
    59,
    60,
    61,
    119,
    120,
    180,
    299,
    300,
    301,
    600,
    601,
    900,
    HOUR,
    6 * HOUR,
    DAY,
    2 * DAY,
    30 * DAY,
];
const AROUND: [i64; 20] =
    [-1260, -900, -720, -660, -601, -600, -599, -480, -301, -300, -299, -120, -61, -60, -30, 0, 0, 1, 60, 120];

/// How far a clock is set wrong, seconds.
const OFF: [i64; 16] = [0, 0, 0, 0, 70, 119, 300, 600, -70, -600, 3600, -3600, 86_400, -86_400, 8_000_000, 40_000_000];

impl History {
    pub(crate) fn from_seed(seed: u64, staleness: u64, clock_jumps: bool) -> Self {
        let mut chance = Chance::new(seed);
        let setup = Setup {
            staleness,
            clock_jumps,
            skews: [0; 5].map(|_| chance.of(&[-60, -60, 0, 60, 60])),
            rotation_days: chance.of(&[1, 1, 2, 30]),
            both_algorithms: chance.one_in(3),
        };
        let length = 6 + chance.below(14);
        let first = Act::Sign { isolate: 0, wanted: None, lives: 600, look: NOW };
        let mut turns = vec![Turn { wait: Wait::Seconds(0), act: first }];
        if clock_jumps && chance.one_in(2) {
            // The very first key is made by a wrong clock.
            turns.insert(0, any_jump(&mut chance));
        }
        for _ in 0..length {
            let jumps = clock_jumps && chance.one_in(4);
            turns.push(if jumps { any_jump(&mut chance) } else { any_turn(&mut chance) });
        }
        Self { setup, turns }
    }
}

fn any_jump(chance: &mut Chance) -> Turn {
    let act = Act::Clock { off: chance.of(&OFF), restarts: chance.one_in(2) };
    Turn { wait: Wait::Seconds(chance.of(&SECONDS)), act }
}

fn any_turn(chance: &mut Chance) -> Turn {
    let wait = match chance.below(5) {
        0 | 1 => Wait::Turning(chance.of(&AROUND)),
        _ => Wait::Seconds(chance.of(&SECONDS)),
    };
    let isolate = chance.below(2);
    let act = match chance.below(28) {
        0..=8 => Act::Sign {
            isolate,
            wanted: chance.of(&[None, None, Some(0), Some(1)]),
            lives: chance.of(&[600, DAY]),
            look: any_look(chance),
        },
        9..=16 => {
            let (verifier, by_cache) = (chance.below(2), chance.one_in(2));
            Act::Verify { verifier, isolate, by_cache, look: any_look(chance) }
        }
        17 | 18 => Act::Ask {
            what: chance.of(&[Ask::Cron, Ask::Cron, Ask::Cron, Ask::Reseal]),
            isolate,
            fate: any_fate(chance),
        },
        19 | 20 => Act::Ask { what: Ask::Rotate, isolate, fate: any_fate(chance) },
        21 => Act::Ask { what: Ask::Revoke(chance.below(3)), isolate, fate: any_fate(chance) },
        22 => {
            let what = if chance.one_in(2) {
                Ask::ImportToSign(chance.below(2))
            } else {
                Ask::ImportToVerify(chance.of(&[60, HOUR, 3 * DAY]))
            };
            Act::Ask { what, isolate, fate: any_fate(chance) }
        }
        23 => Act::Alarm { fate: any_fate(chance) },
        24 if chance.one_in(2) => Act::CutOff { isolate },
        24 => Act::Restart { isolate },
        25 => Act::RestoreObject { ago: 1 + chance.below(3) },
        26 if chance.one_in(3) => Act::Ask { what: Ask::Restored, isolate, fate: any_fate(chance) },
        _ => Act::Settings { both: chance.one_in(2) },
    };
    Turn { wait, act }
}

fn any_age(chance: &mut Chance) -> Age {
    chance.of(&[Age::Fresh, Age::Half, Age::Oldest, Age::Oldest])
}

fn any_look(chance: &mut Chance) -> Look {
    Look { age: any_age(chance), hangs: chance.one_in(5), fate: WELL }
}

fn any_fate(chance: &mut Chance) -> Fate {
    let mishap = match chance.below(12) {
        0 => Some((Effect::Store, Mishap::DiesFirst)),
        1 => Some(DIES_STORED),
        2 => Some((Effect::Publish, Mishap::DiesDone)),
        3 => Some((Effect::Publish, Mishap::FailsFirst)),
        4 => Some(REFUSED_AND_PUBLISHED),
        5 | 6 => Some((chance.of(&EFFECTS), chance.of(&MISHAPS))),
        _ => None,
    };
    Fate { mishap, takes: chance.of(&[0, 0, 0, 60, 60, 300]), age: any_age(chance) }
}
