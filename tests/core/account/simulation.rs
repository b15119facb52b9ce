//! Random histories of one account: sign-ins, codes, refreshes, replays, revocations, passkeys, removal, with time that
//! passes, sweeps, and storage that fails.

use super::invariants;
use super::random::play_all;
use super::world::{Happening, World, any};

fn play(history: &[Happening]) -> Result<(), String> {
    let mut world = World::new();
    for (at, happening) in history.iter().enumerate() {
        let played = world.play(happening).and_then(|()| invariants::check(&mut world));
        played.map_err(|what| format!("turn {at}: {what}"))?;
    }
    Ok(())
}

#[test]
fn no_history_of_an_account_breaks_a_rule() {
    play_all(1_500, 80, any, play);
}
