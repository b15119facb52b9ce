//! Faults: storage, configuration, our own mistakes. A fault is logged where it is built, once, with its reason;
//! the client sees one fixed text. Refusals are logged too, by their word alone.

use std::cell::OnceCell;

use serde_json::json;
use worker::{Env, console_error, console_log};

use crate::identity::passkey::PasskeyError;
use crate::oauth::vocabulary::settings::COST_LOG;
use crate::oauth::{AuthorityError, Refusal};
use crate::wire::Reply;

/// Why the authorization server cannot respond now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// A change of a record lost every race against other changes.
    Contended,
    /// WebCrypto refused an operation that it should not.
    Crypto,
    /// `EDGEMINT_KEY_ENCRYPTION_KEY` is not 32 bytes in base64.
    KeyEncryptionKeyInvalid,
    /// A sealed record does not open: another key-encryption key sealed it, or it was changed.
    KeyEncryptionKeyMismatch,
    /// `EDGEMINT_KEY_ENCRYPTION_KEY` is not set.
    KeyEncryptionKeyMissing,
    /// No key of the ring may sign now.
    NoSigningKey,
    /// A Durable Object did not answer.
    ObjectUnavailable,
    /// `EDGEMINT_PREVIOUS_KEY_ENCRYPTION_KEY` is not 32 bytes in base64.
    PreviousKeyEncryptionKeyInvalid,
    /// `EDGEMINT_PREVIOUS_KEY_ENCRYPTION_KEY` is `EDGEMINT_KEY_ENCRYPTION_KEY`.
    PreviousKeyEncryptionKeySame,
    /// A record opens but is not what this version writes.
    RecordUnreadable,
    /// A response has a header that HTTP does not allow.
    ResponseInvalid,
    /// `EDGEMINT_ROOT_SECRET` is not set.
    RootSecretMissing,
    /// `EDGEMINT_ROOT_SECRET` is too short or too uniform for an issuer that is not on localhost.
    RootSecretWeak,
    /// A setting is wrong.
    Settings(AuthorityError),
    /// KV did not answer.
    StoreUnavailable,
}

impl FaultKind {
    const ALL: [Self; 31] = [
        Self::Contended,
        Self::Crypto,
        Self::KeyEncryptionKeyInvalid,
        Self::KeyEncryptionKeyMismatch,
        Self::KeyEncryptionKeyMissing,
        Self::NoSigningKey,
        Self::ObjectUnavailable,
        Self::PreviousKeyEncryptionKeyInvalid,
        Self::PreviousKeyEncryptionKeySame,
        Self::RecordUnreadable,
        Self::ResponseInvalid,
        Self::RootSecretMissing,
        Self::RootSecretWeak,
        Self::Settings(AuthorityError::AccessTokenTtl),
        Self::Settings(AuthorityError::Algorithms),
        Self::Settings(AuthorityError::ClientAddressHeader),
        Self::Settings(AuthorityError::Compatibility),
        Self::Settings(AuthorityError::DefaultResource),
        Self::Settings(AuthorityError::DefaultUserScope),
        Self::Settings(AuthorityError::EventRetention),
        Self::Settings(AuthorityError::Issuer),
        Self::Settings(AuthorityError::IssuerDefaultPort),
        Self::Settings(AuthorityError::IssuerMissing),
        Self::Settings(AuthorityError::KeyRotation),
        Self::Settings(AuthorityError::Lifetimes),
        Self::Settings(AuthorityError::SampleScope),
        Self::Settings(AuthorityError::SelfRegistration),
        Self::Settings(AuthorityError::Upstream),
        Self::Settings(AuthorityError::UpstreamAccounts),
        Self::Settings(AuthorityError::UpstreamAcr),
        Self::StoreUnavailable,
    ];

    /// The stable word, for logs and the health endpoint.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Contended => "contended",
            Self::Crypto => "crypto",
            Self::KeyEncryptionKeyInvalid => "key_encryption_key_invalid",
            Self::KeyEncryptionKeyMismatch => "key_encryption_key_mismatch",
            Self::KeyEncryptionKeyMissing => "key_encryption_key_missing",
            Self::NoSigningKey => "no_signing_key",
            Self::ObjectUnavailable => "object_unavailable",
            Self::PreviousKeyEncryptionKeyInvalid => "previous_key_encryption_key_invalid",
            Self::PreviousKeyEncryptionKeySame => "previous_key_encryption_key_same",
            Self::RecordUnreadable => "record_unreadable",
            Self::ResponseInvalid => "response_invalid",
            Self::RootSecretMissing => "root_secret_missing",
            Self::RootSecretWeak => "root_secret_weak",
            Self::Settings(error) => error.kind(),
            Self::StoreUnavailable => "store_unavailable",
        }
    }
}

/// A failure that the client did not cause.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    kind: FaultKind,
}

impl Fault {
    /// Builds and logs a fault. `cause` is what the platform said; it must hold no value of ours.
    pub(crate) fn new(kind: FaultKind, cause: &dyn std::fmt::Debug) -> Self {
        let mut cause = format!("{cause:?}");
        if let Some((end, _)) = cause.char_indices().nth(300) {
            cause.truncate(end);
        }
        console_error!("{}", json!({ "event": "fault", "reason": kind.name(), "cause": cause }));
        Self { kind }
    }

    /// A fault that a Durable Object built, and so has logged.
    pub(crate) fn reported(word: &str) -> Option<Self> {
        let kind = FaultKind::ALL.into_iter().find(|kind| kind.name() == word)?;
        Some(Self { kind })
    }

    /// Its kind.
    pub(crate) const fn kind(self) -> FaultKind {
        self.kind
    }

    /// The one text that a client sees.
    pub(crate) fn reply(self) -> Reply {
        let body = json!({
            "error": "temporarily_unavailable",
            "error_description": "The authorization server cannot answer now. Try again later.",
        });
        Reply::json(503, &body).with("Retry-After", "5")
    }
}

/// Why a request failed.
#[derive(Debug)]
pub(crate) enum RequestError {
    Refused(Refusal),
    Failed(Fault),
}

impl From<Refusal> for RequestError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Fault> for RequestError {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault)
    }
}

/// Notes a refusal for the operator: where and why, no value from the request.
pub(crate) fn refused(endpoint: &str, refusal: &Refusal) {
    console_log!("{}", json!({ "event": "refused", "endpoint": endpoint, "reason": refusal.kind() }));
}

/// Logs why a passkey was refused: no value from the request.
pub(crate) fn passkey_refused(endpoint: &str, error: PasskeyError) {
    console_log!("{}", json!({ "event": "passkey_refused", "endpoint": endpoint, "reason": error.kind() }));
}

/// Notes for the log that an upstream provider's userinfo endpoint gave nothing that counts: its users keep what the ID token says.
pub(crate) fn userinfo_failed() {
    console_log!("{}", json!({ "event": "upstream_userinfo_failed" }));
}

/// Logs that a record could not be re-encrypted, and the cause.
pub(crate) fn record_failed(record: &str, cause: FaultKind) {
    console_log!("{}", json!({ "event": "reseal_failed", "record": record, "cause": cause.name() }));
}

/// Notes what an endpoint cost, if the operator asked for that (`COST_LOG=true`).
pub(crate) fn endpoint_costs(env: &Env, endpoint: &str, object_calls: u32, kv_reads: u32) {
    if costs_are_logged(env) {
        let line = json!({ "event": "cost", "endpoint": endpoint, "object_calls": object_calls, "kv_reads": kv_reads });
        console_log!("{line}");
    }
}

/// Notes what work cost that no answer waits for, if the operator asked for that.
pub(crate) fn background_costs(env: &Env, work: &str, object_calls: u32, events: usize) {
    if costs_are_logged(env) {
        let line = json!({ "event": "cost", "background": work, "object_calls": object_calls, "events": events });
        console_log!("{line}");
    }
}

/// Notes what a turn of a Durable Object cost, if the operator asked for that.
pub(crate) fn object_costs(env: &Env, object: &str, rows_read: usize, rows_written: usize) {
    if costs_are_logged(env) {
        let line = json!({ "event": "cost", "object": object, "rows_read": rows_read, "rows_written": rows_written });
        console_log!("{line}");
    }
}

/// Notes that a turn of a Durable Object called others, if the operator asked for that.
pub(crate) fn calls_of_object(env: &Env, object: &str, object_calls: usize) {
    if costs_are_logged(env) {
        console_log!("{}", json!({ "event": "cost", "object": object, "object_calls": object_calls }));
    }
}

thread_local! {
    static COSTS_ARE_LOGGED: OnceCell<bool> = const { OnceCell::new() };
}

/// Reads the setting, once an isolate.
fn costs_are_logged(env: &Env) -> bool {
    let read = || env.var(COST_LOG).is_ok_and(|value| value.to_string() == "true");
    COSTS_ARE_LOGGED.with(|known| *known.get_or_init(read))
}
