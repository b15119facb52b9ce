//! The exact state of one client: its record, its revoked tokens, its used assertions, the accounts with grants for it.
//! One Durable Object for each client, so that capacity grows with clients and none waits for another. A trusted issuer has one
//! too, with its record and its used assertions.
//!
//! Commands about tokens and assertions are one turn each: the body is read first, then storage is read and written without
//! another `await` in between. Changes of the record also go to KV, where every isolate reads them: they run one after
//! another, are rolled back if KV fails, and are completed by the alarm if the object dies in between.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use worker::worker_sys::DurableObjectState;
use worker::{Env, ScheduledTime, State};

use crate::keyring::MAX_TOKEN_TTL;
use crate::oauth::grant::handle::AccountId;
use crate::oauth::grant::token_id::TokenId;
use crate::token::UnixTime;

use super::address::Registries;
use super::hosted::{self, Hosted};
use super::records::broken;
use super::registry_rows::{Note, Record, Rows, publish};
use super::{Runs, object_commands, thrown};
use crate::worker::clock::now;
use crate::worker::report::Fault;
use crate::worker::tasks::block_concurrency;

/// Stores the record of a new client. `name` is its name in KV, `sealed` its sealed text. Returns `false` if the client exists.
#[derive(Deserialize, Serialize)]
pub(crate) struct CreateClient {
    pub(crate) name: String,
    pub(crate) sealed: String,
    pub(crate) since: UnixTime,
    #[serde(default)]
    pub(crate) disabled: bool,
}

/// Replaces the record of a client, if it still is `was`.
#[derive(Deserialize, Serialize)]
pub(crate) struct ReplaceClient {
    pub(crate) name: String,
    pub(crate) was: String,
    pub(crate) sealed: String,
    /// Whether the client's own tokens are inactive, since it is disabled; `None` to keep that.
    #[serde(default)]
    pub(crate) disabled: Option<bool>,
}

/// Removes a client, if its record still is `was`; its tokens are inactive from then on.
#[derive(Deserialize, Serialize)]
pub(crate) struct RemoveClient {
    pub(crate) name: String,
    pub(crate) was: String,
}

/// The result of a change of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Change {
    Done,
    /// Another request changed the record since it was read.
    Conflict,
    /// The client does not exist.
    Missing,
}

/// Returns the sealed record, if the client exists.
#[derive(Deserialize, Serialize)]
pub(crate) struct ReadClient;

/// Returns the status of a token with this identifier that was issued at `issued_at`.
#[derive(Deserialize, Serialize)]
pub(crate) struct ReadTokenStatus {
    pub(crate) jti: TokenId,
    pub(crate) issued_at: UnixTime,
}

/// The status of a token.
#[derive(Deserialize, Serialize)]
pub(crate) struct ClientTokenStatus {
    /// Whether the client is registered, and was when the token was issued.
    pub(crate) registered: bool,
    pub(crate) revoked: bool,
}

/// Revokes the token with this identifier.
#[derive(Deserialize, Serialize)]
pub(crate) struct RevokeClientToken {
    pub(crate) jti: TokenId,
    pub(crate) until: UnixTime,
}

/// Revokes the client's own tokens that were issued up to and including `until`.
#[derive(Deserialize, Serialize)]
pub(crate) struct RevokeClientTokens {
    pub(crate) until: UnixTime,
}

/// Consumes an assertion of the client or the trusted issuer. Returns `false` if it was used before, for any purpose.
#[derive(Deserialize, Serialize)]
pub(crate) struct ConsumeAssertion {
    pub(crate) jti: String,
    pub(crate) until: UnixTime,
    /// An account that is about to have a grant for the client, as in [`IndexAccount`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<AccountId>,
}

/// Consumes an assertion of the client by the digest of its text. Returns its first use.
#[derive(Deserialize, Serialize)]
pub(crate) struct ConsumeAssertionText {
    pub(crate) digest: String,
    pub(crate) at: UnixTime,
    pub(crate) until: UnixTime,
    /// An account that is about to have a grant for the client, noted in the same turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<AccountId>,
}

/// The first use of an assertion that is consumed by its text.
#[derive(Clone, Copy, Deserialize, Serialize)]
pub(crate) struct FirstTextUse {
    pub(crate) at: UnixTime,
    /// Whether it is this one.
    pub(crate) is_new: bool,
}

/// Notes that this account may have a grant for the client. Sent before it has one.
#[derive(Deserialize, Serialize)]
pub(crate) struct IndexAccount {
    pub(crate) account: AccountId,
}

/// Returns accounts that may have a grant for the client: those after one, in order.
#[derive(Deserialize, Serialize)]
pub(crate) struct ListAccounts {
    pub(crate) after: String,
    pub(crate) limit: u64,
}

object_commands! {
    RegistryRequest in Registries {
        "create" => CreateClient -> bool,
        "replace" => ReplaceClient -> Change,
        "remove" => RemoveClient -> Change,
        "read" => ReadClient -> Option<String>,
        "status" => ReadTokenStatus -> ClientTokenStatus,
        "revoke" => RevokeClientToken -> (),
        "end_tokens" => RevokeClientTokens -> (),
        "spend" => ConsumeAssertion -> bool,
        "spend_text" => ConsumeAssertionText -> FirstTextUse,
        "index" => IndexAccount -> (),
        "accounts" => ListAccounts -> Vec<AccountId>,
    }
}

/// The registry of one client.
pub(crate) struct RegistryObject {
    state: State,
    /// The same, for blocking other events.
    inner: DurableObjectState,
    env: Env,
}

impl Hosted for RegistryObject {
    fn open(state: DurableObjectState, env: Env) -> Self {
        Self { state: hosted::state(&state), inner: state, env }
    }

    async fn answer(&self, command: &str) -> worker::Result<String> {
        let request: RegistryRequest = serde_json::from_str(command)?;
        request.answer(self).await
    }

    async fn alarm(&self) -> worker::Result<()> {
        let (state, env) = (self.rows(), self.env.clone());
        let outcome = block_concurrency(&self.inner, async move { state.publish_pending(&env).await });
        // A fault is thrown, so that the platform repeats the alarm.
        outcome.await?.map_err(thrown)?;
        let rows = self.rows();
        rows.forget(now()).map_err(thrown)?;
        if let Some(next) = rows.next_end().map_err(thrown)? {
            self.state.storage().set_alarm(at(next)).await?;
        }
        Ok(())
    }
}

impl Runs<CreateClient> for RegistryObject {
    async fn run(&self, CreateClient { name, sealed, since, disabled }: CreateClient) -> Result<bool, Fault> {
        let create = move |old: Option<&Record>| if old.is_some() { Err(Change::Conflict) } else { Ok(since.0) };
        Ok(self.change(name, Some(sealed), Some(disabled), create).await? == Change::Done)
    }
}

impl Runs<ReplaceClient> for RegistryObject {
    async fn run(&self, ReplaceClient { name, was, sealed, disabled }: ReplaceClient) -> Result<Change, Fault> {
        self.change(name, Some(sealed), disabled, move |old| since_before(old, &was)).await
    }
}

impl Runs<RemoveClient> for RegistryObject {
    async fn run(&self, RemoveClient { name, was }: RemoveClient) -> Result<Change, Fault> {
        self.change(name, None, None, move |old| since_before(old, &was)).await
    }
}

impl Runs<ReadClient> for RegistryObject {
    async fn run(&self, _: ReadClient) -> Result<Option<String>, Fault> {
        Ok(self.rows().record()?.and_then(|record| record.sealed))
    }
}

impl Runs<ReadTokenStatus> for RegistryObject {
    async fn run(&self, ReadTokenStatus { jti, issued_at }: ReadTokenStatus) -> Result<ClientTokenStatus, Fault> {
        let rows = self.rows();
        let registered = rows.record()?.is_some_and(|record| record.sealed.is_some() && record.since <= issued_at.0);
        let ended = rows.tokens_ended()?.is_some_and(|moment| issued_at <= moment);
        let revoked = ended || rows.is_noted(Note::Revoked, jti.as_str())? || rows.is_disabled()?;
        Ok(ClientTokenStatus { registered, revoked })
    }
}

impl Runs<RevokeClientToken> for RegistryObject {
    async fn run(&self, RevokeClientToken { jti, until }: RevokeClientToken) -> Result<(), Fault> {
        self.rows().note(Note::Revoked, jti.as_str(), until)?;
        self.wake_at(until).await
    }
}

impl Runs<RevokeClientTokens> for RegistryObject {
    async fn run(&self, RevokeClientTokens { until: moment }: RevokeClientTokens) -> Result<(), Fault> {
        // Longer than any token lives.
        let until = moment.plus(MAX_TOKEN_TTL + 60);
        if self.rows().end_tokens(moment, until)? { self.wake_at(until).await } else { Ok(()) }
    }
}

impl Runs<ConsumeAssertion> for RegistryObject {
    async fn run(&self, ConsumeAssertion { jti, until, account }: ConsumeAssertion) -> Result<bool, Fault> {
        let is_new = self.rows().note(Note::Assertion, &jti, until)?;
        if let Some(account) = account.filter(|_| is_new) {
            self.rows().index(&account)?;
        }
        self.wake_at(until).await?;
        Ok(is_new)
    }
}

impl Runs<ConsumeAssertionText> for RegistryObject {
    async fn run(&self, command: ConsumeAssertionText) -> Result<FirstTextUse, Fault> {
        let ConsumeAssertionText { digest, at, until, account } = command;
        let rows = self.rows();
        if let Some(at) = rows.first_text_use(&digest)? {
            return Ok(FirstTextUse { at, is_new: false });
        }
        rows.note(Note::AssertionText, &format!("{digest}.{}", at.0), until)?;
        if let Some(account) = account {
            rows.index(&account)?;
        }
        self.wake_at(until).await?;
        Ok(FirstTextUse { at, is_new: true })
    }
}

impl Runs<IndexAccount> for RegistryObject {
    async fn run(&self, IndexAccount { account }: IndexAccount) -> Result<(), Fault> {
        self.rows().index(&account)
    }
}

impl Runs<ListAccounts> for RegistryObject {
    async fn run(&self, ListAccounts { after, limit }: ListAccounts) -> Result<Vec<AccountId>, Fault> {
        self.rows().accounts(&after, limit)
    }
}

impl RegistryObject {
    /// Changes the record here and in KV. `decide` gets the existing client, and returns the time since which the new one is registered.
    /// `disabled` is whether the client's own tokens are inactive from now on, `None` to keep that.
    async fn change(
        &self,
        name: String,
        sealed: Option<String>,
        disabled: Option<bool>,
        decide: impl FnOnce(Option<&Record>) -> Result<u64, Change> + 'static,
    ) -> Result<Change, Fault> {
        self.state.storage().set_alarm(RETRY).await.map_err(broken)?;
        let (rows, env) = (self.rows(), self.env.clone());
        let change = async move {
            let old = rows.record()?;
            let since = match decide(old.as_ref().filter(|old| old.sealed.is_some())) {
                Ok(since) => since,
                Err(answer) => return Ok(answer),
            };
            let new = Record { name, sealed, since, published: 0 };
            let was_disabled = rows.is_disabled()?;
            rows.put(Some(&new))?;
            rows.set_disabled(disabled.unwrap_or(was_disabled))?;
            if let Err(fault) = publish(&env, &new).await {
                rows.put(old.as_ref())?;
                rows.set_disabled(was_disabled)?;
                return Err(fault);
            }
            rows.put(Some(&Record { published: 1, ..new }))?;
            Ok(Change::Done)
        };
        block_concurrency(&self.inner, change).await.map_err(|cause| broken(cause.into()))?
    }

    fn rows(&self) -> Rows {
        Rows::new(self.state.storage().sql())
    }

    /// Sets the alarm that deletes expired notes, unless one is set.
    async fn wake_at(&self, time: UnixTime) -> Result<(), Fault> {
        let storage = self.state.storage();
        if storage.get_alarm().await.map_err(broken)?.is_none() {
            storage.set_alarm(at(time)).await.map_err(broken)?;
        }
        Ok(())
    }
}

/// Returns the time since which the client is registered, if it exists and its record is still the one that the change is based on: so no
/// concurrent change is lost.
fn since_before(old: Option<&Record>, was: &str) -> Result<u64, Change> {
    match old {
        None => Err(Change::Missing),
        Some(old) if old.sealed.as_deref() != Some(was) => Err(Change::Conflict),
        Some(old) => Ok(old.since),
    }
}

const RETRY: Duration = Duration::from_secs(10);

#[allow(clippy::cast_precision_loss)] // A time in milliseconds is exact in a double.
pub(super) fn at(time: UnixTime) -> ScheduledTime {
    // A second later, so that a record that ends then has ended.
    ScheduledTime::new(js_sys::Date::new(&(time.plus(1).0 as f64 * 1000.0).into()))
}
