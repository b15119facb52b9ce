//! Named histories: those that once broke a rule, and the worst that the sums of the schedule allow for.

use super::history::{
    Act, Age, Ask, DIES_STORED, Effect, Fate, History, Look, Mishap, NOW, REFUSED_AND_PUBLISHED, Setup, Turn, WELL,
    Wait,
};
use super::play;
use super::world::World;

const SETUP: Setup =
    Setup { staleness: 600, skews: [0; 5], clock_jumps: false, rotation_days: 1, both_algorithms: false };
const DAY: u64 = 24 * 3600;
const OLDEST: Look = Look { age: Age::Oldest, ..NOW };

fn after(seconds: u64, act: Act) -> Turn {
    Turn { wait: Wait::Seconds(seconds), act }
}

fn at_the_turn(around: i64, act: Act) -> Turn {
    Turn { wait: Wait::Turning(around), act }
}

fn sign(isolate: usize) -> Act {
    Act::Sign { isolate, wanted: None, lives: 600, look: NOW }
}

fn verify(verifier: usize, isolate: usize, by_cache: bool, look: Look) -> Act {
    Act::Verify { verifier, isolate, by_cache, look }
}

fn ask(what: Ask) -> Act {
    Act::Ask { what, isolate: 0, fate: WELL }
}

fn fated(what: Ask, mishap: (Effect, Mishap)) -> Act {
    Act::Ask { what, isolate: 0, fate: Fate { mishap: Some(mishap), ..WELL } }
}

fn holds(setup: Setup, turns: &[Turn]) -> World {
    play(&History { setup, turns: turns.to_vec() }).unwrap()
}

/// The keys that the last tokens were signed with.
fn signed_with(world: &World) -> Vec<usize> {
    world.tokens.iter().map(|token| token.key).collect()
}

#[test]
fn the_slowest_way_that_a_new_key_can_take() {
    // The write takes its minute; a look hits the oldest answer a moment before the new one, a shared cache takes the set at the
    // last second of the isolate's view, and the verifier takes it from there when it is about to go.
    let rotate = Act::Ask { what: Ask::Rotate, isolate: 0, fate: Fate { takes: 60, ..WELL } };
    let turns = [
        after(0, sign(1)),
        after(1000, rotate),
        after(599, verify(0, 1, false, OLDEST)),
        after(119, verify(1, 1, true, Look { hangs: true, ..OLDEST })),
        after(299, verify(0, 1, true, OLDEST)),
        at_the_turn(0, sign(0)),
        after(0, sign(1)),
    ];
    for skew in [-30, 30] {
        let world = holds(Setup { skews: [skew, -skew, -skew, skew, skew], ..SETUP }, &turns);
        assert!(!signed_with(&world).is_empty());
    }
}

#[test]
fn an_isolate_whose_clock_is_ahead_of_the_end_of_a_key_that_was_never_replaced() {
    for skews in [[-30, 30, 30, -30, -30], [-30, -30, 30, 30, -30]] {
        holds(Setup { skews, ..SETUP }, &[after(0, sign(0)), at_the_turn(0, sign(1)), after(0, sign(0))]);
    }
}

#[test]
fn the_next_key_is_revoked_a_moment_before_it_takes_over() {
    let turns =
        [after(0, sign(0)), after(60, ask(Ask::Rotate)), at_the_turn(-1, ask(Ask::Revoke(1))), after(2, sign(1))];
    let world = holds(Setup { skews: [-30, 30, 30, 0, 0], ..SETUP }, &turns);
    assert_eq!(signed_with(&world), [0, 0], "the old key goes on");
    assert_eq!(world.emergencies, 0);
}

#[test]
fn a_key_is_revoked_a_moment_after_the_next_one_took_over() {
    let turns =
        [after(0, sign(0)), after(600, ask(Ask::Rotate)), at_the_turn(0, ask(Ask::Revoke(0))), after(1, sign(0))];
    let world = holds(Setup { skews: [0, -30, 30, -30, -30], ..SETUP }, &turns);
    assert_eq!(signed_with(&world), [0, 1], "also by a clock that is behind");
}

#[test]
fn the_next_key_is_revoked_when_the_other_is_long_due() {
    let turns = [after(0, sign(0)), at_the_turn(-480, sign(1)), after(60, ask(Ask::Revoke(1))), after(700, sign(1))];
    assert_eq!(holds(SETUP, &turns).emergencies, 0);
}

#[test]
fn a_change_that_died_unpublished_does_not_touch_what_was_published_a_minute_before() {
    let turns = [
        after(0, sign(0)),
        after(0, Act::Settings { both: true }),
        after(900, ask(Ask::Cron)),
        after(59, fated(Ask::ImportToSign(1), DIES_STORED)),
        after(DAY, verify(1, 1, true, OLDEST)),
        after(0, fated(Ask::Rotate, DIES_STORED)),
        after(0, sign(1)),
        after(301, verify(0, 1, false, OLDEST)),
    ];
    holds(Setup { skews: [30, -30, -30, -30, 30], ..SETUP }, &turns);
}

#[test]
fn a_rotation_that_the_store_refused_and_has_all_the_same() {
    let turns = [
        after(0, sign(0)),
        after(600, fated(Ask::Rotate, REFUSED_AND_PUBLISHED)),
        after(60, sign(1)),
        at_the_turn(60, sign(1)),
        after(0, verify(0, 1, false, NOW)),
        // Days later the object wakes and finds it there.
        after(3 * DAY, Act::Alarm { fate: WELL }),
        after(0, sign(0)),
        after(0, verify(0, 1, false, OLDEST)),
    ];
    holds(SETUP, &turns);
}

#[test]
fn a_compromise_when_every_verifier_has_the_next_key() {
    let turns = [
        after(0, sign(0)),
        after(0, ask(Ask::Cron)),
        after(3600, verify(0, 1, false, OLDEST)),
        after(0, ask(Ask::Revoke(0))),
        after(0, sign(0)),
    ];
    let world = holds(SETUP, &turns);
    assert_eq!(signed_with(&world), [0, 1]);
    assert_eq!(world.emergencies, 0);
}

#[test]
fn a_compromise_on_the_first_day() {
    let turns = [after(0, sign(0)), after(60, ask(Ask::Revoke(0))), after(0, sign(0))];
    let world = holds(SETUP, &turns);
    assert_eq!(signed_with(&world), [0, 1]);
    assert_eq!(world.emergencies, 0b10, "without a signature all would fail");
}

#[test]
fn cron_never_comes() {
    let mut turns = vec![after(0, sign(0))];
    turns.extend((0..200).flat_map(|_| [after(DAY / 2, sign(0)), after(0, verify(0, 1, false, OLDEST))]));
    let world = holds(SETUP, &turns);
    assert_eq!(world.emergencies, 0);
    assert!(*signed_with(&world).last().unwrap() > 20, "there is a new key every other day");
}

fn clock(off: i64, restarts: bool) -> Act {
    Act::Clock { off, restarts }
}

#[test]
fn the_first_key_is_made_by_a_clock_that_is_ahead() {
    let setup = Setup { clock_jumps: true, ..SETUP };
    for off in [70, 300, 600, 400 * DAY as i64] {
        for restarts in [false, true] {
            let turns =
                [after(0, clock(off, false)), after(0, sign(0)), after(9, clock(0, restarts)), after(1, sign(1))];
            let world = holds(setup, &turns);
            assert_eq!(signed_with(&world), [0, 0], "the same key goes on");
        }
    }
}

#[test]
fn the_object_is_restored_and_a_key_that_was_revoked_since_stays_away() {
    let turns = [
        after(0, sign(0)),
        after(0, ask(Ask::Cron)),
        after(3600, ask(Ask::Revoke(0))),
        after(3600, Act::RestoreObject { ago: 2 }),
        after(0, ask(Ask::Rotate)),
        after(3600, sign(0)),
        after(0, sign(1)),
    ];
    let world = holds(SETUP, &turns);
    assert!(world.counts.restored == 1 && world.puts.last().unwrap().ring.find("0").is_none());
    assert!(signed_with(&world).iter().skip(1).all(|key| *key != 0));
}

#[test]
fn a_key_that_kv_still_has_stays_in_the_ring_while_kv_cannot_be_read() {
    let turns = [
        after(0, sign(0)),
        after(120, fated(Ask::Rotate, DIES_STORED)),
        // By the rotation that KV does not have, the first key is gone.
        after(3 * DAY, sign(1)),
        after(60, fated(Ask::Cron, (Effect::ReadKv, Mishap::FailsFirst))),
        after(60, ask(Ask::Cron)),
        after(60, verify(0, 1, false, NOW)),
    ];
    let world = holds(Setup { rotation_days: 30, ..SETUP }, &turns);
    assert_eq!(signed_with(&world), [0, 0]);
    assert!(world.counts.checks > 0);
}

#[test]
fn an_isolate_uses_a_ring_that_is_stored_and_not_published_and_none_that_is_not_stored() {
    let sign = |mishap| {
        let look = Look { fate: Fate { mishap: Some(mishap), ..WELL }, ..NOW };
        holds(SETUP, &[after(0, Act::Sign { isolate: 0, wanted: None, lives: 600, look })])
    };
    for mishap in [Mishap::FailsFirst, Mishap::FailsDone] {
        assert_eq!(signed_with(&sign((Effect::Publish, mishap))), [0]);
        for effect in [Effect::Generate, Effect::SetAlarm, Effect::Seal, Effect::Store] {
            assert!(signed_with(&sign((effect, mishap))).is_empty(), "{effect:?} {mishap:?}");
        }
    }
}
