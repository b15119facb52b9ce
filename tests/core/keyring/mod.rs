//! Histories of a keyring: isolates that read stale values from KV, clocks that differ, a keyring object that dies before or after
//! each of its effects, storage and KV that fail before or after they stored, cron that runs twice or never, operators who rotate,
//! revoke, import and change the settings; and verifiers that do exactly what the cache headers say and never fetch an unknown key.
//!
//! The keeper, the ring, its schedule and every decision are the real ones; this executes the keeper's effects, and plays how isolates
//! read (`worker/ring.rs`). Each history comes from a number, so that one that fails can be played again: it is shrunk and printed.
//! Add it to the [`named`] ones.

mod history;
mod named;
mod object;
mod witness;
mod world;

use history::History;
use world::World;

/// Plays a history to its end.
fn play(history: &History) -> Result<World, String> {
    let mut world = World::new(history.setup);
    for (at, turn) in history.turns.iter().enumerate() {
        world.turn(turn).map_err(|what| format!("turn {at}, {turn:?}: {what}"))?;
    }
    Ok(world)
}

/// The shortest history that still fails, without the turns that it does not need.
fn shrunk(mut history: History) -> (History, String) {
    let mut what = play(&history).err().unwrap_or_default();
    let mut at = 0;
    while at < history.turns.len() {
        let mut shorter = history.clone();
        shorter.turns.remove(at);
        match play(&shorter) {
            Err(still) => (history, what) = (shorter, still),
            Ok(_) => at += 1,
        }
    }
    (history, what)
}

fn no_history_breaks_a_rule(staleness: u64, clock_jumps: bool, seeds: std::ops::Range<u64>) {
    let mut counts = world::Counts::default();
    for seed in seeds {
        let history = History::from_seed(seed, staleness, clock_jumps);
        match play(&history) {
            Ok(world) => counts.add(&world.counts),
            Err(_) => {
                let (shortest, what) = shrunk(history);
                panic!("seed {seed}: {what}\n{shortest:#?}");
            }
        }
    }
    println!("{counts:?}");
    counts.are_worth_something(clock_jumps);
}

#[test]
fn no_history_with_a_store_a_minute_old_breaks_a_rule() {
    no_history_breaks_a_rule(60, false, 0..100_000);
}

#[test]
fn no_history_with_a_store_ten_minutes_old_breaks_a_rule() {
    no_history_breaks_a_rule(600, false, 100_000..200_000);
}

#[test]
fn a_key_that_signs_is_published_after_any_change_of_the_clock() {
    no_history_breaks_a_rule(600, true, 200_000..300_000);
}
