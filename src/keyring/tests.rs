use serde_json::json;

use super::schedule::{CLOCK_SKEW, DAY, GRACE, JWKS_MAX_AGE, TAIL};
use super::*;
use crate::token::{Key, UnixTime, base64url};

const T0: UnixTime = UnixTime(1_800_000_000);
const ES256: [Algorithm; 1] = [Algorithm::Es256];
const BOTH: [Algorithm; 2] = [Algorithm::Es256, Algorithm::EdDsa];
const TERMS: Terms<'_> = Terms { algorithms: &ES256, rotate_after: 30 * DAY };
const BOTH_TERMS: Terms<'_> = Terms { algorithms: &BOTH, ..TERMS };

fn material(algorithm: Algorithm, seed: u8) -> KeyMaterial {
    let bytes = base64url::encode(&[seed; 32]);
    let public = match algorithm {
        Algorithm::EdDsa => json!({ "kty": "OKP", "crv": "Ed25519", "x": bytes }),
        _ => json!({ "kty": "EC", "crv": "P-256", "x": bytes, "y": bytes }),
    };
    let public = Key::from_jwk(public.as_object().unwrap()).unwrap().named(format!("k{seed}"));
    KeyMaterial { algorithm, public, private: PrivateJwk::new(json!({ "d": "the-secret" })) }
}

/// A ring and a supply of keys.
struct Keeper {
    ring: Ring,
    made: u8,
}

impl Keeper {
    fn new() -> Self {
        Self { ring: Ring::default(), made: 0 }
    }

    fn begun() -> Self {
        let mut keeper = Self::new();
        keeper.at(T0, Command::Ensure);
        keeper
    }

    fn at(&mut self, now: UnixTime, command: Command) -> Vec<&'static str> {
        self.under(TERMS, now, command)
    }

    fn under(&mut self, terms: Terms<'_>, now: UnixTime, command: Command) -> Vec<&'static str> {
        let needs = self.ring.needs(&command, &terms, now).unwrap();
        let materials: Vec<_> = needs
            .into_iter()
            .map(|algorithm| {
                self.made += 1;
                material(algorithm, self.made)
            })
            .collect();
        let events = self.ring.apply(&command, materials, &terms, now).unwrap().unwrap_or_default();
        events.iter().map(|(event, _)| event.name()).collect()
    }

    fn stages(&self, now: UnixTime) -> String {
        let stages = self.ring.keys().iter().map(|key| format!("{} {}", key.kid, key.stage(now).name()));
        stages.collect::<Vec<_>>().join(", ")
    }

    fn signs(&self, now: UnixTime) -> Option<&str> {
        self.ring.signer(Algorithm::Es256, now).map(|key| key.kid.as_str())
    }
}

fn key_id(name: &str) -> KeyId {
    KeyId::parse(name).unwrap()
}

fn revoke(kid: &str) -> Command {
    Command::Revoke(key_id(kid))
}

#[test]
fn the_first_request_makes_what_must_sign_and_no_more() {
    let mut keeper = Keeper::new();
    assert_eq!(keeper.under(BOTH_TERMS, T0, Command::Ensure), ["key_created"; 2]);
    // Also for an isolate whose clock is behind.
    for now in [T0, UnixTime(T0.0 - CLOCK_SKEW)] {
        assert_eq!(keeper.stages(now), "k1 active, k2 active");
        assert_eq!(keeper.ring.key_set(now).len(), 2);
    }
    assert!(keeper.under(BOTH_TERMS, T0, Command::Ensure).is_empty());
    assert!(keeper.ring.keys().iter().all(|key| key.is_known_everywhere(T0)), "no verifier can hold an older set");
}

#[test]
fn cron_makes_a_next_key_that_takes_over_when_it_is_due() {
    let mut keeper = Keeper::begun();
    let made = T0.plus(3600);
    assert_eq!(keeper.at(made, Command::Tend), ["key_created"]);
    assert!(keeper.at(made.plus(3600), Command::Tend).is_empty());
    assert_eq!(keeper.ring.key_set(made).len(), 2, "published long ahead");
    let due = UnixTime(T0.0 - CLOCK_SKEW).plus(TERMS.rotate_after);
    assert_eq!(keeper.stages(UnixTime(due.0 - 1)), "k1 active, k2 next");
    assert_eq!(keeper.stages(due), "k1 retiring, k2 active");
    let gone = due.plus(TAIL);
    assert_eq!(keeper.stages(UnixTime(gone.0 - 1)), "k1 retiring, k2 active");
    assert_eq!(keeper.stages(gone), "k1 gone, k2 active");
    assert_eq!(keeper.at(gone, Command::Tend), ["key_created"]);
    assert_eq!(keeper.stages(gone), "k2 active, k3 next");
}

#[test]
fn a_rotation_brings_the_next_key_forward_to_now_if_every_verifier_has_it() {
    let mut keeper = Keeper::begun();
    keeper.at(T0, Command::Tend);
    let now = T0.plus(LEAD);
    assert_eq!(keeper.at(now, Command::Rotate), ["key_rotated", "key_created"]);
    assert_eq!(keeper.stages(now), "k1 retiring, k2 active, k3 next");
    assert!(keeper.ring.find("k1").unwrap().validity().1 >= now.plus(TAIL));
    for later in [now, now.plus(LEAD - CLOCK_SKEW - 1)] {
        assert!(keeper.at(later, Command::Rotate).is_empty(), "the same rotation once more");
    }
}

#[test]
fn a_rotation_waits_for_a_key_that_not_every_verifier_has() {
    for early in [false, true] {
        let mut keeper = Keeper::begun();
        if early {
            keeper.at(T0, Command::Tend);
        }
        keeper.at(T0.plus(10), Command::Rotate);
        assert!(keeper.at(T0.plus(20), Command::Rotate).is_empty());
        let from = T0.plus(LEAD + if early { 0 } else { 10 });
        assert_eq!(keeper.stages(UnixTime(from.0 - 1)), "k1 active, k2 next");
        assert_eq!(keeper.stages(from), "k1 retiring, k2 active");
    }
}

#[test]
fn a_compromise_with_a_next_key_that_every_verifier_has() {
    let mut keeper = Keeper::begun();
    keeper.at(T0, Command::Tend);
    let now = T0.plus(LEAD);
    assert_eq!(keeper.at(now, revoke("k1")), ["key_revoked", "key_created"]);
    assert_eq!(keeper.stages(UnixTime(now.0 - CLOCK_SKEW)), "k2 active, k3 next");
    assert!(keeper.ring.signer(Algorithm::Es256, now).unwrap().is_known_everywhere(now));
    assert!(keeper.ring.key_set(now).iter().all(|key| key.kid() != Some("k1")));
    assert_eq!(keeper.ring.revoked("k1").unwrap().revoked_at, now);
    let version = keeper.ring.version();
    assert!(keeper.at(now.plus(9), revoke("k1")).is_empty());
    assert_eq!((keeper.ring.version(), keeper.ring.revoked("k1").unwrap().revoked_at), (version, now));
    assert_eq!(keeper.ring.needs(&revoke("k9"), &TERMS, now), Err(KeyringRefusal::Unknown));
}

#[test]
fn a_compromise_without_one_is_answered_at_once_all_the_same() {
    for tended in [false, true] {
        let mut keeper = Keeper::begun();
        if tended {
            keeper.at(T0, Command::Tend);
        }
        let now = T0.plus(100);
        keeper.at(now, revoke("k1"));
        assert_eq!(keeper.stages(now), "k2 active, k3 next");
        assert!(!keeper.ring.signer(Algorithm::Es256, now).unwrap().is_known_everywhere(now));
    }
}

#[test]
fn while_a_key_is_not_known_everywhere_another_algorithm_goes_first() {
    let mut keeper = Keeper::new();
    keeper.under(BOTH_TERMS, T0, Command::Ensure);
    let now = T0.plus(100);
    keeper.under(BOTH_TERMS, now, revoke("k1"));
    let signs = |wanted, now| keeper.ring.signing_key(wanted, &BOTH, now).map(|key| key.alg.name());
    assert_eq!(signs(None, now), Some("EdDSA"));
    assert_eq!(signs(Some(Algorithm::Es256), now), Some("ES256"), "a requested algorithm is used");
    assert_eq!(signs(Some(Algorithm::Rs256), now), None, "or nothing");
    assert_eq!(signs(None, now.plus(LEAD)), Some("ES256"));
}

#[test]
fn revoking_a_key_that_does_not_sign_changes_no_other_schedule() {
    let mut keeper = Keeper::begun();
    keeper.at(T0, Command::Tend);
    assert_eq!(keeper.at(T0.plus(10), revoke("k2")), ["key_revoked", "key_created"]);
    assert_eq!(keeper.stages(T0.plus(10)), "k1 active, k3 next");
    assert_eq!(keeper.signs(T0.plus(TERMS.rotate_after)), Some("k3"));
}

#[test]
fn a_second_algorithm_waits_for_its_turn_beside_the_first() {
    let mut keeper = Keeper::begun();
    keeper.under(BOTH_TERMS, T0.plus(5), Command::Ensure);
    assert_eq!(keeper.stages(T0.plus(5)), "k1 active, k2 next");
    assert_eq!(keeper.stages(T0.plus(5 + LEAD)), "k1 active, k2 active");
    let signs = |now| keeper.ring.signing_key(Some(Algorithm::EdDsa), &BOTH, now).map(|key| key.kid.as_str());
    assert_eq!((signs(T0.plus(5)), signs(T0.plus(5 + LEAD))), (None, Some("k2")));
}

#[test]
fn a_shorter_period_brings_the_next_key_forward_and_a_longer_one_nothing() {
    let mut keeper = Keeper::begun();
    keeper.at(T0, Command::Tend);
    let now = T0.plus(10 * DAY);
    keeper.under(Terms { rotate_after: 365 * DAY, ..TERMS }, now, Command::Tend);
    assert_eq!(keeper.signs(T0.plus(30 * DAY)), Some("k2"));
    keeper.under(Terms { rotate_after: DAY, ..TERMS }, now, Command::Tend);
    assert_eq!((keeper.signs(UnixTime(now.0 - 1)), keeper.signs(now)), (Some("k1"), Some("k2")));
}

#[test]
fn a_ring_left_alone_asks_for_a_successor_and_at_last_for_a_new_start() {
    let mut keeper = Keeper::begun();
    let first = UnixTime(T0.0 - CLOCK_SKEW);
    let overdue = first.plus(TERMS.rotate_after + DAY);
    assert!(!keeper.ring.is_overdue(&TERMS, UnixTime(overdue.0 - 1)));
    assert!(keeper.ring.is_overdue(&TERMS, overdue));
    assert!(keeper.ring.is_overdue(&BOTH_TERMS, T0), "an algorithm without any key");
    let dead = first.plus(TERMS.rotate_after + GRACE);
    assert_eq!((keeper.signs(UnixTime(dead.0 - 1)), keeper.signs(dead)), (Some("k1"), None));
    keeper.at(dead, Command::Ensure);
    assert_eq!(keeper.signs(dead), Some("k2"), "waiting would not help");
    assert!(!keeper.ring.find("k2").unwrap().is_known_everywhere(dead), "a verifier may hold a set without it");
}

fn import(kid: &str, seed: u8, until: Option<u64>) -> Command {
    let KeyMaterial { public, private, algorithm } = material(Algorithm::Es256, seed);
    let kid = Some(key_id(kid));
    Command::Import(Box::new(match until {
        None => Import::to_sign(kid, algorithm, &public, private),
        Some(until) => Import::to_verify(kid, algorithm, &public, UnixTime(until)),
    }))
}

#[test]
fn an_imported_key_waits_as_any_other_and_then_signs() {
    let mut keeper = Keeper::begun();
    assert_eq!(keeper.at(T0, import("old", 99, None)), ["key_imported"]);
    assert_eq!(keeper.stages(T0), "k1 active, old next");
    assert_eq!(keeper.stages(T0.plus(LEAD)), "k1 retiring, old active");
}

#[test]
fn a_key_that_only_verifies_never_signs_and_goes_in_time() {
    let mut keeper = Keeper::begun();
    keeper.at(T0, import("old", 99, Some(T0.0 + 500)));
    assert_eq!(keeper.stages(T0), "k1 active, old retiring, k2 next");
    for now in [T0, T0.plus(499)] {
        assert_eq!(keeper.signs(now), Some("k1"));
        assert_eq!(keeper.ring.key_set(now).len(), 3);
    }
    assert_eq!(keeper.ring.key_set(T0.plus(500)).len(), 2);
}

#[test]
fn no_key_comes_in_twice_and_none_comes_back() {
    let mut keeper = Keeper::begun();
    keeper.at(T0, import("old", 99, None));
    let refused =
        |keeper: &Keeper, kid: &str, seed| keeper.ring.needs(&import(kid, seed, None), &TERMS, T0).unwrap_err();
    assert_eq!(refused(&keeper, "old", 98), KeyringRefusal::Exists, "the name");
    assert_eq!(refused(&keeper, "other", 99), KeyringRefusal::Exists, "the key");
    keeper.at(T0, revoke("old"));
    assert_eq!(refused(&keeper, "old", 98), KeyringRefusal::Revoked);
    assert_eq!(refused(&keeper, "other", 99), KeyringRefusal::Revoked);
    let forever = T0.plus(1000 * DAY);
    assert_eq!(keeper.ring.needs(&import("other", 99, None), &TERMS, forever), Err(KeyringRefusal::Revoked));
}

#[test]
fn a_change_that_did_not_reach_kv_is_rescheduled() {
    let mut keeper = Keeper::begun();
    let planned = T0.plus(1000);
    let lacking = Unpublished { since: planned, known: keeper.ring.version() };
    keeper.at(planned, Command::Rotate);
    let late = planned.plus(10 * LEAD);
    assert_eq!(keeper.stages(late), "k1 retiring, k2 active");
    let known = keeper.ring.clone().without_newcomers(lacking, &TERMS, late);
    assert_eq!(known.keys().iter().map(|key| key.kid.as_str()).collect::<Vec<_>>(), ["k1"]);
    assert_eq!(known.signer(Algorithm::Es256, late).unwrap().kid, key_id("k1"));
    keeper.ring.reschedule(lacking, &TERMS, late);
    assert_eq!(keeper.stages(late), "k1 active, k2 next");
    assert_eq!(keeper.stages(late.plus(LEAD)), "k1 retiring, k2 active");
    assert_eq!(keeper.ring.find("k1").unwrap().validity().1, late.plus(LEAD + TAIL));
}

#[test]
fn a_rotation_that_did_not_reach_kv_keeps_the_old_key_longer() {
    let mut keeper = Keeper::begun();
    keeper.at(T0, Command::Tend);
    let planned = T0.plus(LEAD);
    let lacking = Unpublished { since: planned, known: keeper.ring.version() };
    keeper.at(planned, Command::Rotate);
    let late = planned.plus(3 * DAY);
    keeper.ring.reschedule(lacking, &TERMS, late);
    assert_eq!(keeper.stages(late), "k1 retiring, k2 active, k3 next");
    assert_eq!(keeper.ring.find("k1").unwrap().validity().1, late.plus(TAIL));
}

#[test]
fn what_a_clock_that_was_ahead_made_signs_and_is_published_by_the_right_one() {
    for ahead in [CLOCK_SKEW + 1, 600, 400 * DAY] {
        let mut keeper = Keeper::new();
        keeper.at(T0.plus(ahead), Command::Ensure);
        assert_eq!(keeper.signs(T0), None);
        keeper.at(T0, Command::Ensure);
        assert_eq!(keeper.signs(T0), Some("k1"));
        assert_eq!(keeper.ring.key_set(T0).len(), 1, "{ahead} s ahead");
    }
    let mut keeper = Keeper::begun();
    keeper.at(T0.plus(30 * DAY), Command::Tend);
    assert_eq!(keeper.ring.key_set(T0).len(), 1);
    keeper.at(T0, Command::Tend);
    assert_eq!(keeper.ring.key_set(T0).len(), 2, "the next one is published long before it signs");
}

#[test]
fn a_key_that_was_stored_as_signing_before_its_publication_is_published() {
    let mut keeper = Keeper::begun();
    keeper.ring.keys[0].publish_at = T0.plus(500);
    assert_eq!(keeper.ring.key_set(T0).len(), 1);
    assert_eq!(keeper.ring.jwks(T0)["keys"].as_array().unwrap().len(), 1);
}

#[test]
fn a_revoked_key_s_successor_is_published_by_clocks_that_are_behind() {
    let mut keeper = Keeper::begun();
    keeper.at(T0.plus(10), Command::Tend);
    keeper.at(T0.plus(20), revoke("k1"));
    let behind = UnixTime(T0.0 + 20 - CLOCK_SKEW);
    assert_eq!(keeper.signs(behind), Some("k2"));
    assert_eq!(keeper.ring.key_set(behind).len(), 1);
}

fn kept(ring: &Ring) -> Kept {
    Kept { ring: ring.clone(), unpublished: None }
}

#[test]
fn an_object_that_was_restored_takes_over_the_ring_that_kv_has() {
    let mut keeper = Keeper::begun();
    let backup = keeper.ring.clone();
    keeper.at(T0, Command::Tend);
    keeper.at(T0.plus(LEAD), revoke("k1"));
    let mut restored = kept(&backup);
    assert!(restored.catch_up(Some(&keeper.ring), &TERMS, T0.plus(LEAD)));
    assert_eq!((restored.ring.version(), restored.unpublished), (keeper.ring.version(), None));
    assert!(restored.ring.find("k1").is_none());
    assert!(!restored.catch_up(Some(&keeper.ring), &TERMS, T0.plus(LEAD)), "once");
    let mut current = kept(&keeper.ring);
    assert!(!current.catch_up(Some(&backup), &TERMS, T0.plus(LEAD)), "an older ring is none to take over");
    assert!(current.is_to_be_published_again(Some(&backup)) && current.is_to_be_published_again(None));
    assert!(!current.is_to_be_published_again(Some(&keeper.ring)));
}

#[test]
fn a_revocation_that_only_a_restored_object_has_is_kept() {
    let mut keeper = Keeper::begun();
    let mut forked = kept(&keeper.ring);
    keeper.at(T0, Command::Tend);
    let materials = [material(Algorithm::Es256, 90), material(Algorithm::Es256, 91)];
    // KV could not be read: the revocation was stored, of a ring with as many changes as KV's.
    forked.apply(&revoke("k1"), materials, &TERMS, T0.plus(5)).unwrap();
    assert_eq!(forked.ring.version(), keeper.ring.version());
    assert!(forked.catch_up(Some(&keeper.ring), &TERMS, T0.plus(10)));
    assert!(forked.ring.revoked("k1").is_some() && forked.ring.find("k1").is_none());
    assert!(forked.ring.version() > keeper.ring.version() && forked.unpublished.is_some());
    assert!(forked.ring.find("k2").is_some(), "what KV has stays");
}

#[test]
fn after_a_restore_every_key_is_revoked_and_others_sign_at_once() {
    let mut keeper = Keeper::begun();
    keeper.at(T0, Command::Tend);
    keeper.at(T0, import("old", 99, Some(T0.0 + 500)));
    let events = keeper.at(T0.plus(60), Command::Restored);
    assert_eq!(events, ["key_revoked", "key_revoked", "key_revoked", "key_created", "key_created"]);
    assert_eq!(keeper.stages(T0.plus(60)), "k3 active, k4 next");
    assert!(["k1", "k2", "old"].iter().all(|kid| keeper.ring.revoked(kid).is_some()));
    assert!(keeper.ring.version() > T0.0, "above every count that the lost ring can have reached");
    assert!(!keeper.ring.find("k3").unwrap().is_known_everywhere(T0.plus(60)));
}

#[test]
fn an_older_ring_replaces_none() {
    let mut keeper = Keeper::begun();
    let old = keeper.ring.clone();
    keeper.at(T0, Command::Tend);
    assert!(keeper.ring.supersedes(&old) && old.supersedes(&old) && !old.supersedes(&keeper.ring));
}

#[test]
fn a_ring_of_the_first_version_still_reads() {
    let old = json!({ "keys": [{
        "kid": "k", "alg": "ES256", "public_jwk": {}, "private_jwk": {}, "publish_at": 1, "sign_from": 1, "sign_until": 9, "drop_at": 99,
    }] });
    let ring: Ring = serde_json::from_value(old).unwrap();
    assert_eq!(ring.signer(Algorithm::Es256, UnixTime(5)).unwrap().kid, key_id("k"));
}

#[test]
fn a_key_of_an_algorithm_of_another_version_never_signs() {
    let mut keeper = Keeper::begun();
    keeper.ring.keys[0].alg = "ML-DSA-44".to_owned().into();
    assert!(keeper.ring.preferred_signer(&BOTH, T0).is_none());
    assert_eq!(keeper.ring.key_set(T0).len(), 0);
}

#[test]
fn a_key_of_a_later_version_is_written_as_it_was_read() {
    let keys = [
        json!({ "kid": "a", "alg": "ML-DSA-44", "public_jwk": { "kty": "AKP", "alg": "ML-DSA-44", "pub": "AA" } }),
        json!({ "kid": "b/\u{e4}", "alg": "Ed25519", "public_jwk": { "kty": "OKP", "crv": "Ed25519", "x": base64url::encode(&[7; 32]), "z": 1 } }),
        json!({ "kid": "c", "alg": "ES256", "public_jwk": { "kty": "EC", "crv": "P-256", "y": "short", "x": 7 } }),
        json!({ "kid": "d", "alg": "ES256", "public_jwk": "a text" }),
    ];
    let schedule = json!({ "private_jwk": { "priv": "z" }, "publish_at": 1, "sign_from": 1, "sign_until": 9, "drop_at": 99, "added": 3 });
    let key = |key: &serde_json::Value| {
        let members = key.as_object().unwrap().iter().chain(schedule.as_object().unwrap());
        members.map(|(name, value)| (name.clone(), value.clone())).collect::<serde_json::Map<_, _>>()
    };
    let revoked = json!([{ "kid": "e", "alg": "ML-DSA-44", "thumbprint": "", "revoked_at": 5 }]);
    let text = json!({ "version": 7, "keys": keys.iter().map(key).collect::<Vec<_>>(), "revoked": revoked });
    let ring: Ring = serde_json::from_value(text.clone()).unwrap();
    assert_eq!(serde_json::to_value(&ring).unwrap(), text);
    let names: Vec<_> = ring.key_set(UnixTime(5)).iter().map(|key| key.kid().unwrap().to_owned()).collect();
    assert_eq!(names, ["b/\u{e4}"], "another name of a known algorithm");
    assert!(ring.preferred_signer(&BOTH, UnixTime(5)).is_none_or(|key| key.algorithm() == Some(Algorithm::Es256)));
    assert_eq!(ring.jwks(UnixTime(5))["keys"][0]["pub"], "AA");
}

#[test]
fn an_isolate_reads_once_a_minute_and_continues_for_a_day() {
    let mut last_read = LastRead::at(T0);
    assert_eq!(last_read.check(T0.plus(REFRESH_AFTER - 1)), Freshness::Fresh);
    assert_eq!(last_read.check(T0.plus(REFRESH_AFTER)), Freshness::Stale);
    assert_eq!(last_read.check(T0.plus(REFRESH_AFTER)), Freshness::Fresh, "the others use the ring meanwhile");
    assert_eq!(last_read.check(T0.plus(2 * REFRESH_AFTER - 1)), Freshness::Fresh);
    assert_eq!(last_read.check(T0.plus(2 * REFRESH_AFTER)), Freshness::Stale);
    assert!(last_read.may_continue(T0.plus(STALE_LIMIT - 1)) && !last_read.may_continue(T0.plus(STALE_LIMIT)));
    // What was read by a clock that was ahead is not taken for new until that time comes.
    let mut ahead = LastRead::at(T0.plus(30 * DAY));
    assert_eq!(ahead.check(T0), Freshness::Stale);
    assert!(!ahead.may_continue(T0));
}

#[test]
fn the_lead_covers_every_cache_on_the_way() {
    const { assert!(LEAD >= SPREAD + JWKS_MAX_AGE) };
}

#[test]
fn no_description_shows_the_private_half() {
    let mut keeper = Keeper::begun();
    keeper.at(T0, Command::Tend);
    keeper.at(T0, import("old", 99, None));
    keeper.at(T0, revoke("k1"));
    let ring = &keeper.ring;
    let shown = format!("{ring:?} {} {} {:?}", ring.describe(T0), ring.jwks(T0), import("x", 9, None));
    assert!(!shown.contains("the-secret"), "{shown}");
}
