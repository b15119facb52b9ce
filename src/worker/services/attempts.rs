//! Counting sign-in attempts, and the challenges of the proof of work that replaces a wait. The decisions are in
//! [`throttle`](crate::identity::throttle), the counts in the identifier objects.

use std::time::Duration;

use futures_util::future::try_join;
use sha2::{Digest as _, Sha256};
use worker::Delay;

use crate::account::identifier::{AttemptSucceeded, CountAttempt, Identifier, Proof, ReadIdentifier, What, Who};
use crate::identity::address::AddressBlocks;
use crate::identity::proof_of_work::{self, Difficulty};
use crate::identity::throttle::Throttled;
use crate::identity::timing::rest_of_step;
use crate::oauth::ClientId;
use crate::token::{UnixTime, base64url};
use crate::wire::Form;
use crate::worker::browser::Browser;
use crate::worker::clock;
use crate::worker::env::Platform;
use crate::worker::objects;
use crate::worker::objects::address::Name;
use crate::worker::random::random;
use crate::worker::report::Fault;

/// How long a challenge may be answered, seconds.
const CHALLENGE_TTL: u64 = 600;
const DAY: u64 = 24 * 3600;

/// An attempt to sign in by a password, counted as failed for now.
pub(crate) struct Attempt<'a> {
    username: &'a str,
    /// What the name leads to.
    pub(crate) entry: Option<Identifier>,
    counted: Counted,
    /// What another attempt would meet now.
    pub(crate) next: Option<Throttled>,
}

enum Counted {
    Known { who: Who },
    Stranger { name_proven: bool, address: Who, address_proven: bool, day: u64, began: u64 },
}

/// Counts an attempt by a password. `known` is by what the browser's attempts are counted if it has signed in to this
/// account before; any other is a stranger, and may present a proof of work.
pub(crate) async fn by_password<'a>(
    platform: &Platform,
    browser: &Browser,
    username: &'a str,
    known: Option<String>,
    proof: Option<Proof>,
) -> Result<Result<Attempt<'a>, Throttled>, Fault> {
    let Some(known) = known else {
        return by_stranger(platform, browser, username, proof).await;
    };
    let who = Who::KnownBrowser(known);
    let counted = count(platform, &Name::Username(username), &who, None).await?;
    Ok(counted.map(|(entry, _, next)| Attempt { username, entry, counted: Counted::Known { who }, next }))
}

async fn by_stranger<'a>(
    platform: &Platform,
    browser: &Browser,
    username: &'a str,
    proof: Option<Proof>,
) -> Result<Result<Attempt<'a>, Throttled>, Fault> {
    let began = clock::milliseconds();
    let address = at_address(browser, What::Password);
    let counted = count(platform, &Name::Address(browser.address.widest()), &address, proof.clone()).await?;
    let (address_proven, next_of_address) = match counted {
        Ok((_, proven, next)) => (proven, next),
        Err(throttled) => return Ok(Err(throttled)),
    };
    let proof = proof.map(|proof| Proof { opened_address: address_proven, ..proof });
    let day = day(platform.now);
    let (attempts, name) = (Name::Attempts { username, day }, Name::Username(username));
    // At the same time, so that the slower of the two hides how long the other takes: only one of them depends on
    // whether there is such a name.
    let counting = count(platform, &attempts, &Who::Stranger, proof);
    let (counted, entry) = try_join(counting, objects::send(platform, &name, &ReadIdentifier)).await?;
    let (name_proven, next_of_name) = match counted {
        Ok((_, proven, next)) => (proven, next),
        Err(throttled) => {
            Delay::from(rest(began)).await;
            // The next proof has to do for the address too.
            return Ok(Err(next_of_address.map_or(throttled, |other| throttled.and(other))));
        }
    };
    let next = match (next_of_address, next_of_name) {
        (Some(one), Some(other)) => Some(one.and(other)),
        (one, other) => one.or(other),
    };
    let counted = Counted::Stranger { name_proven, address, address_proven, day, began };
    Ok(Ok(Attempt { username, entry, counted, next }))
}

impl Attempt<'_> {
    /// Returns how much longer a refusal has to take so that its time does not tell whether there is such a name: to be
    /// asked when all has been looked up, and before the password is checked. A browser that has signed in to this
    /// account before learns nothing by the time.
    pub(crate) fn rest(&self) -> Duration {
        match &self.counted {
            Counted::Stranger { began, .. } => rest(*began),
            Counted::Known { .. } => Duration::ZERO,
        }
    }

    /// Marks the attempt as successful.
    pub(crate) async fn succeeded(self, platform: &Platform, browser: &Browser) -> Result<(), Fault> {
        match self.counted {
            Counted::Known { who } => take_back(platform, &Name::Username(self.username), who, false).await,
            Counted::Stranger { name_proven, address, address_proven, day, .. } => {
                let (attempts, block) =
                    (Name::Attempts { username: self.username, day }, Name::Address(browser.address.widest()));
                let of_name = take_back(platform, &attempts, Who::Stranger, name_proven);
                let of_address = take_back(platform, &block, address, address_proven);
                try_join(of_name, of_address).await.map(|_| ())
            }
        }
    }
}

fn rest(began: u64) -> Duration {
    Duration::from_millis(rest_of_step(clock::milliseconds().saturating_sub(began)))
}

/// Counts something else that is attempted from the browser's address, as failed for now.
pub(crate) async fn from_address(
    platform: &Platform,
    browser: &Browser,
    what: What,
) -> Result<Result<(), Throttled>, Fault> {
    let who = at_address(browser, what);
    Ok(count(platform, &Name::Address(browser.address.widest()), &who, None).await?.map(|_| ()))
}

/// Counts a device code for a client that requests it from an address. None is taken back: each costs an object.
pub(crate) async fn for_device(
    platform: &Platform,
    address: &AddressBlocks,
    client: &ClientId,
) -> Result<Result<(), Throttled>, Fault> {
    let who = Who::Device { client: client.to_string(), part: address.part().map(str::to_owned) };
    Ok(count(platform, &Name::Address(address.widest()), &who, None).await?.map(|_| ()))
}

/// Marks it as successful.
pub(crate) async fn from_address_succeeded(platform: &Platform, browser: &Browser, what: What) -> Result<(), Fault> {
    take_back(platform, &Name::Address(browser.address.widest()), at_address(browser, what), false).await
}

fn at_address(browser: &Browser, what: What) -> Who {
    Who::Address { what, part: browser.address.part().map(str::to_owned) }
}

type CountedTurn = (Option<Identifier>, bool, Option<Throttled>);

async fn count(
    platform: &Platform,
    name: &Name<'_>,
    who: &Who,
    proof: Option<Proof>,
) -> Result<Result<CountedTurn, Throttled>, Fault> {
    let counted = objects::send(platform, name, &CountAttempt { who: who.clone(), proof }).await?;
    Ok(counted.map(|counted| (counted.entry, counted.proven, counted.next)))
}

async fn take_back(platform: &Platform, name: &Name<'_>, who: Who, proven: bool) -> Result<(), Fault> {
    objects::send(platform, name, &AttemptSucceeded { who, proven }).await
}

fn day(now: UnixTime) -> u64 {
    now.0 / DAY
}

/// A challenge for an attempt on this name from this browser's address: `NONCE.UNTIL.BITS.MAC`. Nothing is stored until
/// it is used; the MAC's 32 bytes are what the proof is computed over.
pub(crate) fn challenge(
    platform: &Platform,
    browser: &Browser,
    username: &str,
    difficulty: Difficulty,
) -> Result<String, Fault> {
    let nonce = base64url::encode(&random::<16>()?);
    let until = platform.now.plus(CHALLENGE_TTL).0.to_string();
    let bits = difficulty.with_headroom().bits().to_string();
    let fields = challenge_fields(platform, browser, username, &nonce, &until, &bits);
    let tag = platform.config.forms.tag(&fields.each_ref().map(String::as_str));
    Ok(format!("{nonce}.{until}.{bits}.{tag}"))
}

/// The proof that a form presents for an attempt on this name, if it is valid. Whether it has been used is for the
/// name's object to say.
pub(crate) fn presented(platform: &Platform, browser: &Browser, username: &str, form: &Form) -> Option<Proof> {
    let challenge = form.get("challenge").filter(|text| text.len() <= 200 && !text.contains('|'))?;
    let mut parts = challenge.splitn(4, '.');
    let (nonce, until, bits, tag) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let fields = challenge_fields(platform, browser, username, nonce, until, bits);
    if !platform.config.forms.verifies(&fields.each_ref().map(String::as_str), tag) {
        return None;
    }
    let until = UnixTime(until.parse().ok()?);
    let difficulty = Difficulty::parse(bits)?;
    let bytes = base64url::decode(tag.as_bytes())?.try_into().ok()?;
    let counts = platform.now < until && proof_of_work::verifies(&bytes, difficulty, form.get("proof")?);
    counts.then(|| Proof { id: nonce.to_owned(), until, difficulty, opened_address: false })
}

/// What the MAC of a challenge is over. The day is among it, since each day's attempts are counted, and proofs used up,
/// in another object.
fn challenge_fields(
    platform: &Platform,
    browser: &Browser,
    username: &str,
    nonce: &str,
    until: &str,
    bits: &str,
) -> [String; 7] {
    let username = base64url::encode(&Sha256::digest(username));
    let address = browser.address.host().to_owned();
    let day = day(platform.now).to_string();
    ["proof".to_owned(), username, address, day, nonce.to_owned(), until.to_owned(), bits.to_owned()]
}
