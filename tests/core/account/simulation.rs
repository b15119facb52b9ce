//! Random histories of one account: sign-ins, codes, refreshes, replays, revocations, passkeys, removal, with time that
//! passes, sweeps, and storage that fails.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::invariants;
use super::random::{Random, play_all};
use super::world::{Happening, World, any, any_narrowing, any_suspension, two_offline_grants};

/// Plays random histories, and checks that they reach the states that they are meant for.
fn simulate(count: u64, length: usize, begin: &[Happening], any: fn(&mut Random) -> Happening, states: &[&str]) {
    let reached: RefCell<BTreeMap<&str, u32>> = RefCell::default();
    let play = |history: &[Happening]| {
        let mut world = World::new();
        for (at, happening) in begin.iter().chain(history).enumerate() {
            let played = world.play(happening).and_then(|()| invariants::check(&mut world));
            played.map_err(|what| format!("turn {at}: {what}"))?;
        }
        for what in world.reached {
            *reached.borrow_mut().entry(what).or_default() += 1;
        }
        Ok(())
    };
    play_all(count, length, any, play);
    let reached = reached.take();
    for what in states {
        let count = reached.get(what).copied().unwrap_or_default();
        assert!(count >= 10, "{what}: {count} times");
    }
}

#[test]
fn no_history_of_an_account_breaks_a_rule() {
    let states = [
        "a code is redeemed",
        "a code is refused the second time",
        "a refresh token is used",
        "a response is replayed",
        "a token is exchanged",
        "a token of an inactive grant is not exchanged",
        "a reused refresh token ends its grant",
        "a session is replaced",
        "a passkey signs in",
        "a counter goes back",
        "a challenge is answered again",
        "a revocation is stored",
        "a revocation is stored in a turn that fails",
        "a status list is told",
        "the account is disabled",
        "the account is enabled",
        "a form is submitted again",
        "the account is removed",
    ];
    simulate(1_000, 80, &[], any, &states);
}

#[test]
fn no_history_of_a_disabled_account_breaks_a_rule() {
    let states = [
        "the account is disabled",
        "the account is enabled",
        "a disabled user's refresh token is refused",
        "a status list is told of a suspension",
        "a client is disabled or enabled",
        "a token is exchanged",
        "a disabled client's exchanged token is not exchanged",
        "a refresh token is used",
        "a revocation is stored",
    ];
    simulate(2_000, 30, &two_offline_grants(), any_suspension, &states);
}

#[test]
fn no_history_of_assertions_exchanges_and_removed_resources_breaks_a_rule() {
    let states = [
        "an assertion gets a token",
        "a disabled user's assertion is refused",
        "a grant loses one of its resources",
        "a grant loses its only resource",
        "the removal of a resource fails in the middle",
        "a token for a lost resource is inactive",
        "a token of a narrowed grant is active",
        "a narrowed grant is refreshed",
        "a token is exchanged",
        "a token of an inactive grant is not exchanged",
        "a refresh token is used",
        "a status list is told",
        "a status list is told of a suspension",
    ];
    simulate(100_000, 8, &two_offline_grants(), any_narrowing, &states);
}
