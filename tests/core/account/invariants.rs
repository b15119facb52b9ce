//! Invariants after every turn, also after one whose storage failed.

use std::collections::BTreeMap;

use edgemint::oauth::grant::Grant;
use edgemint::oauth::status::StatusEntry;
use edgemint::oauth::status::revoked::Suspension;
use edgemint::records::Table;
use edgemint::token::UnixTime;
use serde_json::Value;

use super::world::{Known, World, is_synced};

/// Checks all invariants.
pub(crate) fn check(world: &mut World) -> Result<(), String> {
    grants(world)?;
    for known in &world.grants {
        refreshes(world, known)?;
    }
    revocations(world)?;
    suspensions(world)?;
    counters(world)?;
    removal(world)
}

/// A revoked grant is never stored again.
fn grants(world: &mut World) -> Result<(), String> {
    let stored: BTreeMap<String, Grant> = world.storage.peek(Table::Grant).into_iter().collect();
    let lifetimes = *world.authority.lifetimes();
    for known in &mut world.grants {
        match stored.get(known.id.as_str()) {
            Some(_) if known.is_gone => return Err(format!("grant {} is back", known.id)),
            Some(grant) => {
                known.was_stored = true;
                known.expires = grant.ends(&lifetimes).0;
            }
            None => known.is_gone |= known.was_stored,
        }
    }
    Ok(())
}

/// A generation yields one response, which is replayed identically within the replay window.
fn refreshes(world: &World, known: &Known) -> Result<(), String> {
    let window = world.authority.lifetimes().replay_window;
    let mut first: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    for (generation, asked_at, tokens) in &known.refreshed {
        let answer = (tokens.tokens.generation, tokens.tokens.at.0);
        if tokens.tokens.generation != generation + 1 {
            return Err(format!("generation {generation} is answered with {}", tokens.tokens.generation));
        }
        if *asked_at > answer.1 + window {
            return Err(format!("generation {generation} is replayed after the window"));
        }
        match first.get(generation) {
            Some(_) if !tokens.tokens.repeated => return Err(format!("generation {generation} is answered twice")),
            Some(before) if *before != answer => {
                return Err(format!("generation {generation} is replayed differently"));
            }
            Some(_) | None => first.insert(*generation, answer),
        };
    }
    Ok(())
}

/// A grant that was revoked before it expired is revoked in its status list, or the outbox has its revocation, for as long
/// as one of its tokens is valid.
fn revocations(world: &World) -> Result<(), String> {
    let is_due = |known: &&Known| known.is_gone && world.now < known.expires && world.now < known.token_expires;
    let mut due = world.grants.iter().filter(is_due).peekable();
    if due.peek().is_none() {
        return Ok(());
    }
    let outbox: Vec<(String, (StatusEntry, UnixTime))> = world.storage.peek(Table::Revocation);
    for known in due {
        let waits = outbox.iter().any(|(_, (entry, until))| *entry == known.entry && until.0 >= known.token_expires);
        let told = world.told.get(&(known.entry.list.0, known.entry.idx)).copied().unwrap_or_default();
        if !waits && told < known.token_expires {
            return Err(format!("no status list is told that grant {} has ended", known.id));
        }
    }
    Ok(())
}

/// The entry of a live grant whose tokens are valid is marked exactly while the account or the client is disabled, in its status
/// list or in the outbox.
fn suspensions(world: &World) -> Result<(), String> {
    if world.is_unsettled {
        return Ok(());
    }
    let outbox: Vec<(String, (StatusEntry, Suspension))> = world.storage.peek(Table::Suspension);
    let lifetimes = world.authority.lifetimes();
    for (id, grant) in world.storage.peek::<Grant>(Table::Grant) {
        let Some(entry) = grant.status.filter(|_| grant.last_token_ends(lifetimes) > Some(UnixTime(world.now))) else {
            continue;
        };
        let waits = outbox.iter().find(|(_, (own, _))| *own == entry).map(|(_, (_, suspension))| *suspension);
        let told = waits.or(world.suspended.get(&(entry.list.0, entry.idx)).copied());
        let is_marked = told.is_some_and(|told| told.marked && told.until.0 > world.now);
        let client = world.client_of(&grant.client);
        // Tokens that are issued while the client is disabled come from isolates with an old copy: the job tells the account again.
        let is_late = world.client_changes[client].marked && grant.last_used() >= world.told_client_at[client];
        if is_marked != (world.is_disabled() || world.client_changes[client].marked) && !is_late {
            return Err(format!("the entry of grant {id} is marked: {is_marked}"));
        }
        if is_marked && !is_late && told.map(|told| told.until) < grant.last_token_ends(lifetimes) {
            return Err(format!("the mark of grant {id} ends before its tokens"));
        }
    }
    Ok(())
}

/// The signature counter of a device-bound passkey never decreases.
fn counters(world: &mut World) -> Result<(), String> {
    let stored = world.storage.peek::<Value>(Table::Passkey);
    for (passkey, before) in &mut world.counters {
        let id = format!("passkey-{passkey}-0123456789");
        let Some((_, record)) = stored.iter().find(|(own, _)| *own == id) else {
            continue;
        };
        let count = record["passkey"]["sign_count"].as_u64().unwrap();
        if count < *before && !is_synced(*passkey) {
            return Err(format!("the counter of passkey {passkey} goes from {before} to {count}"));
        }
        *before = count;
    }
    Ok(())
}

/// A removed account leaves nothing but the revocations that status lists have to be notified of.
fn removal(world: &World) -> Result<(), String> {
    match world.is_removed && world.storage.len() > world.storage.count(Table::Revocation) {
        true => Err("a removed account leaves something".to_owned()),
        false => Ok(()),
    }
}
