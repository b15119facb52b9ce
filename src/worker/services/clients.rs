//! Finding and authenticating clients.
//!
//! A warm isolate has recently used clients in memory. A failed authentication is checked again with a fresh read from KV, so a
//! new secret works at once, and an unknown client takes as long as a wrong secret.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use serde::de::IgnoredAny;

use crate::limits::CLIENT_MEMORY;
use crate::oauth::endpoints::authenticate::{Presented, accept_assertion, assertion_policy, by_secret, check_public};
use crate::oauth::vocabulary::client::{AuthMethod, ClientRecord};
use crate::oauth::vocabulary::compatibility::{ClientFlag, Item};
use crate::oauth::{Client, ClientId, Refusal};
use crate::token::UnixTime;
use crate::wire::Form;
use crate::worker::compare_and_swap::retry;
use crate::worker::env::Platform;
use crate::worker::kv::{self, Found, Kind};
use crate::worker::objects;
use crate::worker::objects::registry_do::{Change, ConsumeAssertion, ReadClient, ReplaceClient};
use crate::worker::report::{Fault, RequestError};

use super::remote_keys;

/// How many clients stay in memory.
const REMEMBER_AT_MOST: usize = 1000;

struct Remembered {
    client: Rc<Client>,
    read_at: UnixTime,
}

thread_local! {
    static CLIENTS: RefCell<HashMap<ClientId, Remembered>> = RefCell::default();
}

/// A client that has authenticated.
pub(crate) struct Authenticated {
    pub(crate) client: Rc<Client>,
    /// The method that it used.
    pub(crate) by: AuthMethod,
}

/// Authenticates the client of a request.
pub(crate) async fn authenticate(
    platform: &Platform,
    authorization: Option<&str>,
    form: &Form,
) -> Result<Authenticated, RequestError> {
    match Presented::parse(authorization, form)? {
        Presented::Secret { method, readings } => {
            let mut refusal = Refusal::ClientUnknown;
            let authority = platform.authority();
            for (id, secret) in readings {
                if let Some(client) = claimed(platform, &id)
                    && let Ok(by) = by_secret(authority, Some(&client), method, &secret)
                {
                    return Ok(Authenticated { client, by });
                }
                let client = claimed_afresh(platform, &id).await?;
                match (by_secret(authority, client.as_deref(), method, &secret), client) {
                    (Ok(by), Some(client)) => return Ok(Authenticated { client, by }),
                    (Ok(_), None) => {}
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
                return Ok(Authenticated { client, by: AuthMethod::None });
            }
            let client = claimed_afresh(platform, &id).await?.ok_or(Refusal::ClientUnknown)?;
            check_public(&client)?;
            Ok(Authenticated { client, by: AuthMethod::None })
        }
        Presented::Assertion { client_id, jwt } => {
            if let Some(client) = claimed(platform, &client_id) {
                match check_assertion(platform, client, &jwt).await {
                    // Its keys may have been replaced since.
                    Err(RequestError::Refused(_)) => {}
                    outcome => return outcome,
                }
            }
            let client = claimed_afresh(platform, &client_id).await?.ok_or(Refusal::ClientUnknown)?;
            check_assertion(platform, client, &jwt).await
        }
    }
}

/// Authenticates the client of a request that may go without: `None` if it has no credentials, at most a `client_id`.
pub(crate) async fn authenticate_if_sent(
    platform: &Platform,
    authorization: Option<&str>,
    form: &Form,
) -> Result<Option<Authenticated>, RequestError> {
    match Presented::parse(authorization, form) {
        Ok(Presented::Nothing(_)) | Err(Refusal::ClientAuthMissing) => Ok(None),
        Ok(Presented::Secret { .. } | Presented::Assertion { .. }) => {
            authenticate(platform, authorization, form).await.map(Some)
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// Finds the client of a request that may go without its credentials, by an item of `COMPATIBILITY`. `None` for every other request and
/// client: it has to authenticate.
pub(crate) async fn without_authentication(
    platform: &Platform,
    authorization: Option<&str>,
    form: &Form,
    item: Item,
) -> Result<Option<Rc<Client>>, Fault> {
    let Ok(Presented::Nothing(id)) = Presented::parse(authorization, form) else {
        return Ok(None);
    };
    let is_permitted = |client: &Rc<Client>| client.is_permitted(item, platform.authority());
    if !platform.authority().compatibility().permits_to(item, &ClientFlag::ALL) {
        return Ok(None);
    }
    match claimed(platform, &id).filter(is_permitted) {
        Some(client) => Ok(Some(client)),
        None => Ok(claimed_afresh(platform, &id).await?.filter(is_permitted)),
    }
}

/// Authenticates a confidential client.
pub(crate) async fn authenticate_confidential(
    platform: &Platform,
    authorization: Option<&str>,
    form: &Form,
) -> Result<Authenticated, RequestError> {
    let authenticated = authenticate(platform, authorization, form).await?;
    if authenticated.client.is_public() { Err(Refusal::ClientAuthMissing.into()) } else { Ok(authenticated) }
}

/// Returns a client, without authentication.
pub(crate) async fn find(platform: &Platform, id: &ClientId) -> Result<Option<Rc<Client>>, Fault> {
    match remembered(platform, id) {
        Some(client) => Ok(Some(client)),
        None => read(platform, id).await,
    }
}

/// Returns a client, without authentication. A disabled one in memory is read again, since it may have been enabled.
pub(crate) async fn find_enabled(platform: &Platform, id: &ClientId) -> Result<Option<Rc<Client>>, Fault> {
    match remembered(platform, id) {
        Some(client) if client.enabled => Ok(Some(client)),
        Some(_) | None => read(platform, id).await,
    }
}

/// Returns whether a client is disabled, by a copy of its record that is two minutes old at most. While KV does not respond, the last
/// copy counts.
pub(crate) async fn is_disabled(platform: &Platform, id: &ClientId) -> Result<bool, Fault> {
    Ok(copy(platform, id).await?.is_some_and(|client| !client.enabled))
}

/// Returns whether a client is registered and enabled, by such a copy.
pub(crate) async fn is_enabled(platform: &Platform, id: &ClientId) -> Result<bool, Fault> {
    Ok(copy(platform, id).await?.is_some_and(|client| client.enabled))
}

async fn copy(platform: &Platform, id: &ClientId) -> Result<Option<Rc<Client>>, Fault> {
    let last = CLIENTS.with_borrow(|clients| clients.get(id).map(|known| Rc::clone(&known.client)));
    match (find(platform, id).await, last) {
        (Ok(client), _) => Ok(client),
        (Err(_), Some(last)) => Ok(Some(last)),
        (Err(fault), None) => Err(fault),
    }
}

/// Returns a client from its registry, and remembers it.
pub(crate) async fn find_exact(platform: &Platform, id: &ClientId) -> Result<Option<Rc<Client>>, Fault> {
    match registered(platform, id).await? {
        Some((_, record)) => Ok(Some(remember(platform, id, &record))),
        None => {
            forget(id);
            Ok(None)
        }
    }
}

/// Verifies an assertion, and consumes its `jti`.
async fn check_assertion(platform: &Platform, client: Rc<Client>, jwt: &str) -> Result<Authenticated, RequestError> {
    let now = platform.now;
    let policy = Arc::new(assertion_policy(platform.authority(), &client)?);
    let assertion = remote_keys::verify(platform, client.keys(), jwt, &policy).await?;
    let used = accept_assertion(platform.authority(), &client, assertion, now)?;
    let command = ConsumeAssertion { jti: used.jti, until: used.until, account: None };
    let is_new = objects::send(platform, &client.id, &command).await?;
    if is_new {
        Ok(Authenticated { client, by: AuthMethod::PrivateKeyJwt })
    } else {
        Err(Refusal::ClientAssertionReplay.into())
    }
}

/// Returns the record of a client in its registry, sealed and opened: exact, while KV may be a minute behind.
pub(crate) async fn registered(platform: &Platform, id: &ClientId) -> Result<Option<(String, ClientRecord)>, Fault> {
    let Some(sealed) = objects::send(platform, id, &ReadClient).await? else {
        return Ok(None);
    };
    let name = record_name(platform, id);
    match kv::open(platform, &name, &sealed).await? {
        Ok(record) => Ok(Some((sealed, record))),
        Err(kind) => Err(Fault::new(kind, &format!("{name} in its registry"))),
    }
}

/// Returns the record of a client in its registry, sealed and opened.
///
/// # Errors
/// [`Refusal::ClientNotFound`].
pub(crate) async fn existing(platform: &Platform, id: &ClientId) -> Result<(String, ClientRecord), RequestError> {
    Ok(registered(platform, id).await?.ok_or(Refusal::ClientNotFound)?)
}

/// Changes the record of a client by compare-and-swap. `change` returns `None` to leave it as it is. Returns what it returned, `None`
/// also where the client does not exist.
pub(crate) async fn change<T>(
    platform: &Platform,
    id: &ClientId,
    change: impl AsyncFn(&mut ClientRecord) -> Result<Option<T>, Fault>,
) -> Result<Option<T>, Fault> {
    retry(async || {
        let Some((was, mut record)) = registered(platform, id).await? else {
            return Ok(Some(None));
        };
        let Some(changed) = change(&mut record).await? else {
            return Ok(Some(None));
        };
        let name = record_name(platform, id);
        let sealed = kv::seal(platform, &name, &record).await?;
        Ok::<_, Fault>(
            match objects::send(platform, id, &ReplaceClient { name, was, sealed, disabled: None }).await? {
                Change::Done => {
                    forget(id);
                    Some(Some(changed))
                }
                Change::Conflict => None,
                Change::Missing => Some(None),
            },
        )
    })
    .await
}

/// Returns the name of a client's record.
pub(crate) fn record_name(platform: &Platform, id: &ClientId) -> String {
    kv::name(platform, Kind::Client, id.as_str())
}

/// Parses the `client_id` in a path.
pub(crate) fn id_of_segment(segment: &str) -> Result<ClientId, Refusal> {
    let text = js_sys::decode_uri_component(segment).ok().map(String::from);
    text.and_then(|text| ClientId::parse(&text)).ok_or(Refusal::ClientNotFound)
}

/// Removes a client that has just been changed from this isolate's memory.
pub(crate) fn forget(id: &ClientId) {
    CLIENTS.with_borrow_mut(|clients| clients.remove(id));
}

/// Completes a failed authentication to one read of an existing record and one of a missing record, whether or not the client
/// exists: the two take different times.
async fn even_out(platform: &Platform, found: bool) -> Result<(), Fault> {
    let (kind, id) = if found { (Kind::Client, "") } else { (Kind::Keyring, "") };
    kv::read::<IgnoredAny>(platform, &kv::name(platform, kind, id)).await.map(|_| ())
}

/// Returns the record of a client in KV.
pub(crate) async fn record(platform: &Platform, id: &ClientId) -> Result<Option<ClientRecord>, Fault> {
    let name = record_name(platform, id);
    match kv::read(platform, &name).await? {
        Found::Record(record) => Ok(Some(record)),
        Found::Nothing => Ok(None),
        Found::Unreadable(kind) => Err(Fault::new(kind, &format!("{name} in KV"))),
    }
}

/// Returns the client that a request claims to be, from memory. It exists, so later refusals name it in the audit trail.
pub(crate) fn claimed(platform: &Platform, id: &ClientId) -> Option<Rc<Client>> {
    remembered(platform, id).inspect(|client| {
        platform.audit.client(&client.id);
    })
}

/// Like [`claimed`], from KV.
pub(crate) async fn claimed_afresh(platform: &Platform, id: &ClientId) -> Result<Option<Rc<Client>>, Fault> {
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
    // The root client has no record, but a wrong secret must take as long as that of another client.
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
