//! Finding clients, and having them prove who they are.
//!
//! A warm isolate has the clients that it served lately in memory. Every failed attempt is checked once more against a
//! fresh read of the store: so a new secret works at once, and an unknown client takes as long as a wrong secret.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use serde::de::IgnoredAny;

use crate::account::grants::TokenStatus;
use crate::account::record::AccountRecord;
use crate::keyring::MAX_TOKEN_TTL;
use crate::keyring::schedule::CLOCK_SKEW;
use crate::limits::CLIENT_MEMORY;
use crate::names;
use crate::oauth::endpoints::authenticate::{Presented, accept_assertion, check_public, check_secret, read_assertion};
use crate::oauth::grant::access_token::AccessToken;
use crate::oauth::grant::handle::AccountId;
use crate::oauth::vocabulary::client::{ClientRecord, GrantType};
use crate::oauth::{Client, ClientId, Refusal};
use crate::token::UnixTime;
use crate::wire::Form;

use super::account;
use super::crypto::complete;
use super::env::Platform;
use super::kv::{self, Found, Kind};
use super::objects;
use super::objects::ObjectCommand;
use super::objects::registry_do::{
    Change, ClientTokenStatus, ConsumeAssertion, ReadClient, ReadTokenStatus, ReplaceClient, RevokeClientTokens,
};
use super::report::{Fault, Stop};
use super::status;

/// How many clients stay in memory.
const REMEMBER_AT_MOST: usize = 1000;

struct Remembered {
    client: Rc<Client>,
    read_at: UnixTime,
}

thread_local! {
    static CLIENTS: RefCell<HashMap<ClientId, Remembered>> = RefCell::default();
}

/// Authenticates the client of a request.
pub(crate) async fn authenticate(
    platform: &Platform,
    authorization: Option<&str>,
    form: &Form,
) -> Result<Rc<Client>, Stop> {
    match Presented::parse(authorization, form)? {
        Presented::Secret { method, readings } => {
            let mut refusal = Refusal::ClientUnknown;
            for (id, secret) in readings {
                if let Some(client) = claimed(platform, &id)
                    && check_secret(Some(&client), method, &secret).is_ok()
                {
                    return Ok(client);
                }
                let client = claimed_afresh(platform, &id).await?;
                match (check_secret(client.as_deref(), method, &secret), client) {
                    (Ok(()), Some(client)) => return Ok(client),
                    (Ok(()), None) => {}
                    (Err(reason), client) => {
                        even_out(platform, client.is_some_and(|client| !client.id.is_root())).await?;
                        refusal = reason;
                    }
                }
            }
            Err(refusal.into())
        }
        Presented::Nothing(id) => {
            if let Some(client) = claimed(platform, &id)
                && check_public(&client).is_ok()
            {
                return Ok(client);
            }
            let client = claimed_afresh(platform, &id).await?.ok_or(Refusal::ClientUnknown)?;
            check_public(&client)?;
            Ok(client)
        }
        Presented::Assertion { client_id, jwt } => {
            if let Some(client) = claimed(platform, &client_id) {
                match check_assertion(platform, client, &jwt).await {
                    // It may have another key by now.
                    Err(Stop::Refused(_)) => {}
                    settled => return settled,
                }
            }
            let client = claimed_afresh(platform, &client_id).await?.ok_or(Refusal::ClientUnknown)?;
            check_assertion(platform, client, &jwt).await
        }
    }
}

/// Authenticates a client that can prove who it is.
pub(crate) async fn authenticate_confidential(
    platform: &Platform,
    authorization: Option<&str>,
    form: &Form,
) -> Result<Rc<Client>, Stop> {
    let client = authenticate(platform, authorization, form).await?;
    if client.is_public() { Err(Refusal::ClientAuthMissing.into()) } else { Ok(client) }
}

/// The client of this name, which proves nothing by it.
pub(crate) async fn find(platform: &Platform, id: &ClientId) -> Result<Option<Rc<Client>>, Fault> {
    match remembered(platform, id) {
        Some(client) => Ok(Some(client)),
        None => read(platform, id).await,
    }
}

/// The client of this name as its registry has it at this moment, which this isolate goes on with.
pub(crate) async fn find_exact(platform: &Platform, id: &ClientId) -> Result<Option<Rc<Client>>, Fault> {
    match registered(platform, id).await? {
        Some((_, record)) => Ok(Some(remember(platform, id, &record))),
        None => {
            forget(id);
            Ok(None)
        }
    }
}

/// Checks an assertion, and uses it up.
async fn check_assertion(platform: &Platform, client: Rc<Client>, jwt: &str) -> Result<Rc<Client>, Stop> {
    let now = platform.now;
    let pending = read_assertion(platform.authority(), &client, jwt, now)?;
    let used = accept_assertion(platform.authority(), &client, complete(pending).await?, now)?;
    let command = ConsumeAssertion { jti: used.jti, until: used.until };
    let is_new = registry(platform, &client.id, &command).await?;
    if is_new { Ok(client) } else { Err(Refusal::ClientAssertionReplay.into()) }
}

/// Returns whether a verified token is active, and its account. Exact: one call to the account of its grant, or to its client's
/// registry.
pub(crate) async fn standing(platform: &Platform, token: &AccessToken) -> Result<Standing, Fault> {
    let AccessToken { client, account, jti, grant, issued_at, .. } = token;
    let jti = jti.clone();
    if let Some(grant) = grant {
        let Some(account) = account else {
            return Ok(Standing::Ended);
        };
        let record = account::ask(platform, account, &TokenStatus { grant: grant.clone(), jti }).await?;
        return Ok(record.map_or(Standing::Ended, |record| Standing::OfAccount(account.clone(), record)));
    }
    let ClientTokenStatus { registered, revoked } =
        registry(platform, client, &ReadTokenStatus { jti, issued_at: *issued_at }).await?;
    let is_active = (registered || client.is_root()) && !revoked;
    Ok(if is_active { Standing::OfClient } else { Standing::Ended })
}

/// The state of a verified token.
pub(crate) enum Standing {
    /// Active, and of a grant of this account.
    OfAccount(AccountId, AccountRecord),
    /// Active, and the client's own.
    OfClient,
    /// Revoked.
    Ended,
}

/// Ends a client's own tokens that were issued until this moment, the second itself included: times in tokens are whole
/// seconds, and a token too many is better than one too few.
///
/// The status lists cannot tell earlier tokens from later ones: there, all that bear the client's place end, and later tokens get another;
/// unless none of the tokens that are meant can still live.
pub(crate) async fn end_tokens(platform: &Platform, id: &ClientId, until: UnixTime) -> Result<(), Fault> {
    registry(platform, id, &RevokeClientTokens { until }).await?;
    let last_token_ends = until.plus(platform.authority().access_token_ttl() + CLOCK_SKEW);
    if platform.now < last_token_ends { move_status(platform, id).await } else { Ok(()) }
}

/// Marks the client's place in the status lists and gives it another. In this order: whatever breaks off in between, no token counts
/// that should not, and asking again mends it.
async fn move_status(platform: &Platform, id: &ClientId) -> Result<(), Fault> {
    let last_token_ends = platform.now.plus(MAX_TOKEN_TTL);
    for _ in 0..RACES {
        let Some((was, mut record)) = registered(platform, id).await? else {
            return Ok(());
        };
        let Some(entry) = record.status else {
            return Ok(());
        };
        status::revoke(&platform.env, platform.authority(), [(entry, last_token_ends)]).await?;
        record.status = Some(status::take_for_client(platform).await?);
        let name = kv::name(platform, Kind::Client, id.as_str());
        let sealed = kv::seal(platform, &name, &record).await?;
        match registry(platform, id, &ReplaceClient { name, was, sealed }).await? {
            Change::Done => {
                forget(id);
                return status::release(platform, entry, last_token_ends).await;
            }
            Change::Conflict => {}
            Change::Missing => return Ok(()),
        }
    }
    Err(objects::unexpected())
}

/// How often a record is tried that changes each time before it is put back.
pub(crate) const RACES: usize = 8;

/// The record of a client as its registry has it, sealed and opened: exact, where KV may be a minute behind.
pub(crate) async fn registered(platform: &Platform, id: &ClientId) -> Result<Option<(String, ClientRecord)>, Fault> {
    let Some(sealed) = registry(platform, id, &ReadClient).await? else {
        return Ok(None);
    };
    let name = kv::name(platform, Kind::Client, id.as_str());
    match kv::open(platform, &name, &sealed).await? {
        Found::Record(record) => Ok(Some((sealed, record))),
        Found::Unreadable(kind) => Err(Fault::new(kind, &format!("{name} in its registry"))),
        Found::Nothing => Err(objects::unexpected()),
    }
}

/// Sends a command to a client's registry.
pub(crate) async fn registry<C: ObjectCommand>(
    platform: &Platform,
    id: &ClientId,
    command: &C,
) -> Result<C::Answer, Fault> {
    let name = names::registry_object(platform.authority().issuer(), id);
    objects::send(platform, &name, command).await
}

/// Gives a client that has tokens of its own a place for their status, if it has none.
pub(crate) async fn give_status(platform: &Platform, record: &mut ClientRecord) -> Result<(), Fault> {
    if record.status.is_none() && record.metadata.grant_types.contains(&GrantType::ClientCredentials) {
        record.status = Some(status::take_for_client(platform).await?);
    }
    Ok(())
}

/// The client that a segment of a path names.
pub(crate) fn id_of_segment(segment: &str) -> Result<ClientId, Refusal> {
    let text = js_sys::decode_uri_component(segment).ok().map(String::from);
    text.and_then(|text| ClientId::parse(&text)).ok_or(Refusal::ClientNotFound)
}

/// Forgets what this isolate knows of a client that has just been changed.
pub(crate) fn forget(id: &ClientId) {
    CLIENTS.with_borrow_mut(|clients| clients.remove(id));
}

/// Has a failed attempt cost one read of a record that is there and one of a record that is not, whether or not
/// there is such a client: the two differ in time, everywhere.
async fn even_out(platform: &Platform, found: bool) -> Result<(), Fault> {
    let (kind, id) = if found { (Kind::Client, "") } else { (Kind::Keyring, "") };
    kv::read::<IgnoredAny>(platform, &kv::name(platform, kind, id)).await.map(|_| ())
}

/// The record of a client, from the store.
pub(crate) async fn record(platform: &Platform, id: &ClientId) -> Result<Option<ClientRecord>, Fault> {
    let name = kv::name(platform, Kind::Client, id.as_str());
    match kv::read(platform, &name).await? {
        Found::Record(record) => Ok(Some(record)),
        Found::Nothing => Ok(None),
        Found::Unreadable(kind) => Err(Fault::new(kind, &format!("{name} in KV"))),
    }
}

/// The client that a request says it comes from: what is refused from here on is about it, since it is there.
fn claimed(platform: &Platform, id: &ClientId) -> Option<Rc<Client>> {
    remembered(platform, id).inspect(|client| {
        platform.audit.client(&client.id);
    })
}

/// The same, from the store.
async fn claimed_afresh(platform: &Platform, id: &ClientId) -> Result<Option<Rc<Client>>, Fault> {
    Ok(read(platform, id).await?.inspect(|client| {
        platform.audit.client(&client.id);
    }))
}

fn remembered(platform: &Platform, id: &ClientId) -> Option<Rc<Client>> {
    if id.is_root() {
        return Some(Rc::clone(&platform.config.root));
    }
    CLIENTS.with_borrow(|clients| {
        let known = clients.get(id)?;
        platform.now.is_within(CLIENT_MEMORY, known.read_at).then(|| Rc::clone(&known.client))
    })
}

async fn read(platform: &Platform, id: &ClientId) -> Result<Option<Rc<Client>>, Fault> {
    // The root client has no record, but a wrong guess at its secret takes no less time than at another's.
    let record = record(platform, id).await?;
    if id.is_root() {
        return Ok(Some(Rc::clone(&platform.config.root)));
    }
    forget(id);
    let Some(record) = record else {
        return Ok(None);
    };
    Ok(Some(remember(platform, id, &record)))
}

fn remember(platform: &Platform, id: &ClientId, record: &ClientRecord) -> Rc<Client> {
    let client = Rc::new(Client::from_record(record));
    CLIENTS.with_borrow_mut(|clients| {
        if clients.len() >= REMEMBER_AT_MOST {
            clients.clear();
        }
        clients.insert(id.clone(), Remembered { client: Rc::clone(&client), read_at: platform.now });
    });
    client
}
