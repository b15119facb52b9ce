//! Histories of two grants of one account: random turns, a clock that the test moves, storage that fails before or after it
//! stored, a client that loses responses, and two attackers that must get nothing.
//!
//! After each turn the response is compared with the [`ledger`], which has the rules in another form than the state
//! machine, and at the end the whole history with the [`witness`], which has no state, only rules about what must
//! never happen. What proptest finds is shrunk and printed as Rust: keep it by its name among the [`named`] ones.

mod history;
mod ledger;
mod named;
mod witness;
mod world;

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestCaseError};

use history::{Setup, Turn, any_history, any_setup, honest_history};
use world::World;

/// Plays a history to its end and checks it with the witness.
fn play(setup: Setup, turns: &[Turn]) -> Result<World, String> {
    let mut world = World::new(setup);
    for (at, turn) in turns.iter().enumerate() {
        world.turn(turn).map_err(|what| format!("turn {at}, {turn:?}: {what}"))?;
    }
    witness::hear(&world)?;
    Ok(world)
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        // Findings are kept by their names, not in a file of seeds.
        failure_persistence: None,
        max_shrink_iters: 20_000,
        // With any other, choosing takes longer than playing.
        rng_algorithm: RngAlgorithm::XorShift,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(100_000))]

    #[test]
    fn no_history_breaks_a_rule(setup in any_setup(), turns in any_history()) {
        play(setup, &turns).map_err(TestCaseError::fail)?;
    }
}

proptest! {
    #![proptest_config(config(20_000))]

    // Responses get lost, storage fails, attackers interfere: a client that retries within the window always gets
    // its tokens in the end.
    #[test]
    fn an_honest_client_never_loses_its_grant(setup in any_setup(), turns in honest_history()) {
        let setup = setup.with_a_window();
        let mut world = play(setup, &turns).map_err(TestCaseError::fail)?;
        prop_assert!(world.owner_can_go_on(), "the client has lost its grant");
    }
}
