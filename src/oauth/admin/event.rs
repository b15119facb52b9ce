//! What an operator may want to know afterwards: a closed list of events, each with a stable word.
//!
//! An event names what exists: clients, accounts, grants, keys, tokens by their identifiers. It never holds a name or an
//! address of a person, a token, a code, a secret, or a text that a request brought along and nothing here goes by.
//! Identifiers are no secrets; what a handle is worth is its MAC, which is not stored anywhere.

use serde::{Serialize, Serializer};

use crate::token::UnixTime;

use crate::oauth::grant::GrantRefusal;
use crate::oauth::grant::handle::{AccountId, GrantId};
use crate::oauth::refusal::Refusal;
use crate::oauth::vocabulary::client::ClientId;

/// How much an event asks for attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// What happens all the time.
    Info,
    /// Something was refused, or is worth a look if there are many.
    Notice,
    /// Something may have been stolen.
    Alert,
}

impl Severity {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Info, Self::Notice, Self::Alert];

    /// The stable word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Alert => "alert",
        }
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// An admin endpoint was asked with a token that does not count, or may not administer.
    AdminRefused,
    /// An operator asked for very many grants to be ended.
    BulkRevocationStarted,
    /// That is done: so many were.
    BulkRevoked,
    /// A client did not prove who it is.
    ClientAuthenticationFailed,
    /// A client was registered.
    ClientRegistered,
    /// A client was removed.
    ClientRemoved,
    /// A client's metadata or secret was replaced.
    ClientReplaced,
    /// A service client's own tokens were ended.
    ClientTokensEnded,
    /// A code is out.
    CodeIssued,
    /// A code came again, long after it was redeemed: its grant has been ended.
    CodeReused,
    /// A code came again, by the same client, just after it was redeemed; or a consent form was sent again.
    CodeSpent,
    /// The person, or the rules for the person's account, did not allow a request.
    ConsentDenied,
    /// The person allowed a request.
    ConsentGiven,
    /// The person took back what a client had been allowed.
    ConsentWithdrawn,
    /// So many events could not be stored. They are in the log.
    EventsDropped,
    /// A grant was ended by its user or an operator, or revoked because nothing of it may be had any more.
    GrantEnded,
    /// So many grants were ended at once.
    GrantsEnded,
    /// A signing key was made.
    KeyCreated,
    /// A signing key was brought along.
    KeyImported,
    /// A signing key is not to be trusted any more.
    KeyRevoked,
    /// An operator had the next signing keys take over.
    KeysRotated,
    /// A passkey was added.
    PasskeyAdded,
    /// The counter of a device-bound passkey did not increase: there may be a copy of it.
    PasskeyCounter,
    /// The counter of a passkey that may be synced did not increase. The sign-in passed.
    PasskeyCounterRestarted,
    /// A passkey was removed.
    PasskeyRemoved,
    /// A password was changed by its person.
    PasswordChanged,
    /// A password was set by an operator.
    PasswordReset,
    /// So many records were sealed under another key.
    RecordsResealed,
    /// A refresh token got the same answer again, within the replay window.
    RefreshRepeated,
    /// A refresh token came again after the replay window: its grant has been ended.
    RefreshReused,
    /// A request was refused for a reason that is worth knowing.
    Refused,
    /// An operator asked for all records to be sealed under another key.
    ResealStarted,
    /// An operator said that all state was restored from a backup.
    Restored,
    /// So many sessions were ended.
    SessionsEnded,
    /// Somebody signed in.
    SignIn,
    /// Somebody did not manage to.
    SignInFailed,
    /// Somebody has to wait before the next attempt.
    SignInThrottled,
    /// Somebody signed out.
    SignOut,
    /// An access token was minted, and whatever goes with it.
    TokenIssued,
    /// A client revoked a token.
    TokenRevoked,
    /// An account was made.
    UserCreated,
    /// An account was removed.
    UserRemoved,
    /// An account's record was replaced.
    UserReplaced,
}

impl Happening {
    /// All of them, in the order of their words.
    pub const ALL: [Self; 43] = [
        Self::AdminRefused,
        Self::BulkRevocationStarted,
        Self::BulkRevoked,
        Self::ClientAuthenticationFailed,
        Self::ClientRegistered,
        Self::ClientRemoved,
        Self::ClientReplaced,
        Self::ClientTokensEnded,
        Self::CodeIssued,
        Self::CodeReused,
        Self::CodeSpent,
        Self::ConsentDenied,
        Self::ConsentGiven,
        Self::ConsentWithdrawn,
        Self::EventsDropped,
        Self::GrantEnded,
        Self::GrantsEnded,
        Self::KeyCreated,
        Self::KeyImported,
        Self::KeyRevoked,
        Self::KeysRotated,
        Self::PasskeyAdded,
        Self::PasskeyCounter,
        Self::PasskeyCounterRestarted,
        Self::PasskeyRemoved,
        Self::PasswordChanged,
        Self::PasswordReset,
        Self::RecordsResealed,
        Self::RefreshRepeated,
        Self::RefreshReused,
        Self::Refused,
        Self::ResealStarted,
        Self::Restored,
        Self::SessionsEnded,
        Self::SignIn,
        Self::SignInFailed,
        Self::SignInThrottled,
        Self::SignOut,
        Self::TokenIssued,
        Self::TokenRevoked,
        Self::UserCreated,
        Self::UserRemoved,
        Self::UserReplaced,
    ];

    /// The stable word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::AdminRefused => "admin_refused",
            Self::BulkRevocationStarted => "bulk_revocation_started",
            Self::BulkRevoked => "bulk_revoked",
            Self::ClientAuthenticationFailed => "client_authentication_failed",
            Self::ClientRegistered => "client_registered",
            Self::ClientRemoved => "client_removed",
            Self::ClientReplaced => "client_replaced",
            Self::ClientTokensEnded => "client_tokens_ended",
            Self::CodeIssued => "code_issued",
            Self::CodeReused => "code_reused",
            Self::CodeSpent => "code_spent",
            Self::ConsentDenied => "consent_denied",
            Self::ConsentGiven => "consent_given",
            Self::ConsentWithdrawn => "consent_withdrawn",
            Self::EventsDropped => "events_dropped",
            Self::GrantEnded => "grant_ended",
            Self::GrantsEnded => "grants_ended",
            Self::KeyCreated => "key_created",
            Self::KeyImported => "key_imported",
            Self::KeyRevoked => "key_revoked",
            Self::KeysRotated => "keys_rotated",
            Self::PasskeyAdded => "passkey_added",
            Self::PasskeyCounter => "passkey_counter",
            Self::PasskeyCounterRestarted => "passkey_counter_restarted",
            Self::PasskeyRemoved => "passkey_removed",
            Self::PasswordChanged => "password_changed",
            Self::PasswordReset => "password_reset",
            Self::RecordsResealed => "records_resealed",
            Self::RefreshRepeated => "refresh_repeated",
            Self::RefreshReused => "refresh_reused",
            Self::Refused => "refused",
            Self::ResealStarted => "reseal_started",
            Self::Restored => "restored",
            Self::SessionsEnded => "sessions_ended",
            Self::SignIn => "sign_in",
            Self::SignInFailed => "sign_in_failed",
            Self::SignInThrottled => "sign_in_throttled",
            Self::SignOut => "sign_out",
            Self::TokenIssued => "token_issued",
            Self::TokenRevoked => "token_revoked",
            Self::UserCreated => "user_created",
            Self::UserRemoved => "user_removed",
            Self::UserReplaced => "user_replaced",
        }
    }

    /// How much it asks for attention. An alert is what points at a theft, and nothing else.
    pub const fn severity(self) -> Severity {
        match self {
            Self::CodeReused | Self::KeyRevoked | Self::PasskeyCounter | Self::RefreshReused => Severity::Alert,
            Self::AdminRefused
            | Self::ClientAuthenticationFailed
            | Self::CodeSpent
            | Self::EventsDropped
            | Self::PasskeyCounterRestarted
            | Self::RefreshRepeated
            | Self::Refused
            | Self::SignInFailed
            | Self::SignInThrottled => Severity::Notice,
            Self::BulkRevocationStarted
            | Self::BulkRevoked
            | Self::ClientRegistered
            | Self::ClientRemoved
            | Self::ClientReplaced
            | Self::ClientTokensEnded
            | Self::CodeIssued
            | Self::ConsentDenied
            | Self::ConsentGiven
            | Self::ConsentWithdrawn
            | Self::GrantEnded
            | Self::GrantsEnded
            | Self::KeyCreated
            | Self::KeyImported
            | Self::KeysRotated
            | Self::PasskeyAdded
            | Self::PasskeyRemoved
            | Self::PasswordChanged
            | Self::PasswordReset
            | Self::RecordsResealed
            | Self::ResealStarted
            | Self::Restored
            | Self::SessionsEnded
            | Self::SignIn
            | Self::SignOut
            | Self::TokenIssued
            | Self::TokenRevoked
            | Self::UserCreated
            | Self::UserRemoved
            | Self::UserReplaced => Severity::Info,
        }
    }

    /// Which event a refusal is, if it is worth one: whatever may be an attack, or a client that lost its way with
    /// something of value. What is merely ill-formed or not there goes to the log alone.
    /// `by_operator`: was it refused at an admin endpoint?
    pub const fn of_refusal(refusal: &Refusal, by_operator: bool) -> Option<Self> {
        match refusal {
            Refusal::ClientAssertion
            | Refusal::ClientAssertionReplay
            | Refusal::ClientAuthMalformed
            | Refusal::ClientAuthMethod
            | Refusal::ClientAuthMissing
            | Refusal::ClientSecret
            | Refusal::ClientUnknown => Some(Self::ClientAuthenticationFailed),
            Refusal::Grant(GrantRefusal::CodeReused) => Some(Self::CodeReused),
            Refusal::Grant(GrantRefusal::CodeSpent) => Some(Self::CodeSpent),
            Refusal::Grant(GrantRefusal::RefreshReused) => Some(Self::RefreshReused),
            Refusal::Grant(GrantRefusal::RightsLost) => Some(Self::GrantEnded),
            Refusal::Grant(
                GrantRefusal::CodeRedirect
                | GrantRefusal::CodeVerifier
                | GrantRefusal::GrantExpired
                | GrantRefusal::GrantOfAnother
                | GrantRefusal::GrantUnknown
                | GrantRefusal::Resource
                | GrantRefusal::Scope,
            )
            | Refusal::AuthorizeRedirect
            | Refusal::BearerInQuery
            | Refusal::FormForeign
            | Refusal::GrantNotAllowed
            | Refusal::HandleForged
            | Refusal::LogoutRedirect
            | Refusal::ResourceNotAllowed
            | Refusal::ScopeNotAllowed
            | Refusal::SignInTooOld
            | Refusal::TokenOfAnother
            | Refusal::Upstream
            | Refusal::UpstreamAccount
            | Refusal::UpstreamAuthTime => Some(Self::Refused),
            Refusal::AccessDenied => Some(Self::ConsentDenied),
            Refusal::SignIn => Some(Self::SignInFailed),
            Refusal::SignInThrottled { .. } => Some(Self::SignInThrottled),
            Refusal::BearerInvalid | Refusal::BearerScope { .. } if by_operator => Some(Self::AdminRefused),
            Refusal::AuthorizationTooLong
            | Refusal::AuthorizeClient
            | Refusal::BearerInvalid
            | Refusal::BearerMissing
            | Refusal::BearerSampleScope
            | Refusal::BearerScope { .. }
            | Refusal::BodyTooLarge
            | Refusal::Bulk(_)
            | Refusal::Claims
            | Refusal::ClientAuthSeveral
            | Refusal::ClientExists
            | Refusal::ClientNotFound
            | Refusal::ClientRoot
            | Refusal::ConsentRequired
            | Refusal::CursorMalformed
            | Refusal::DuplicateParameter
            | Refusal::EventQuery(_)
            | Refusal::EventsNotKept
            | Refusal::FormStale
            | Refusal::GrantNotFound
            | Refusal::GrantUnsupported
            | Refusal::HintOther
            | Refusal::HintUnreadable
            | Refusal::Import(_)
            | Refusal::KeyNotFound
            | Refusal::LoginRequired
            | Refusal::LogoutClient
            | Refusal::MalformedBody
            | Refusal::MalformedForm
            | Refusal::MaxAge
            | Refusal::Metadata(_)
            | Refusal::MethodNotAllowed { .. }
            | Refusal::MissingParameter
            | Refusal::Nonce
            | Refusal::NotAForm
            | Refusal::NotFound
            | Refusal::NotJson
            | Refusal::ParametersInQuery
            | Refusal::PasskeyNotFound
            | Refusal::PkceChallenge
            | Refusal::PkceMethod
            | Refusal::PkceMissing
            | Refusal::PkceVerifier
            | Refusal::Prompt
            | Refusal::RequestObject
            | Refusal::RequestUri
            | Refusal::ResourceMalformed
            | Refusal::ResponseModeUnsupported
            | Refusal::ResponseType
            | Refusal::RevocationNotFound
            | Refusal::ScopeMalformed
            | Refusal::MaxAgePassed
            | Refusal::SessionMissing
            | Refusal::StatusTime
            | Refusal::TooManyParameters
            | Refusal::User(_)
            | Refusal::UserExists
            | Refusal::UserPending { .. }
            | Refusal::UserNotFound => None,
        }
    }
}

impl Serialize for Happening {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

/// Whom and what an event is about, as far as that is known to exist.
#[derive(Clone, Debug, Default, Serialize)]
pub struct About {
    /// The client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientId>,
    /// The account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<AccountId>,
    /// The grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantId>,
    /// The signing key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// The identifier of a token that was minted or verified here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// The bulk revocation, as `GET /admin/revocations/ID` knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation: Option<String>,
    /// Who acted as an operator: the client of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<ClientId>,
    /// The same: the account of the token, if it is a person's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_user: Option<AccountId>,
}

/// One event, as it is logged and stored.
#[derive(Debug, Serialize)]
pub struct Event<'e> {
    /// What happened.
    pub event: Happening,
    /// How much it asks for attention.
    pub severity: Severity,
    /// When.
    pub time: UnixTime,
    /// Where: an endpoint's name, never the path that was asked for.
    pub endpoint: &'static str,
    /// Why, or by which way: a stable word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// How many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Whom and what it is about.
    #[serde(flatten)]
    pub about: &'e About,
}

impl Event<'_> {
    /// The event as one line of JSON.
    pub fn to_line(&self) -> String {
        // Texts and numbers under distinct names: they serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_all_and_in_order() {
        for (index, happening) in Happening::ALL.into_iter().enumerate() {
            assert_eq!(happening as usize, index, "{happening:?}");
        }
        assert_eq!(Happening::UserReplaced as usize + 1, Happening::ALL.len());
        assert!(Happening::ALL.is_sorted_by_key(|happening| happening.word()));
    }

    #[test]
    fn an_alert_is_what_points_at_a_theft() {
        let alerts = Happening::ALL.into_iter().filter(|happening| happening.severity() == Severity::Alert);
        let words: Vec<_> = alerts.map(Happening::word).collect();
        assert_eq!(words, ["code_reused", "key_revoked", "passkey_counter", "refresh_reused"]);
    }

    #[test]
    fn a_repetition_is_never_taken_for_a_theft() {
        let of = |refusal| Happening::of_refusal(&Refusal::Grant(refusal), false).unwrap();
        for refusal in GrantRefusal::ALL {
            let is_theft = matches!(refusal, GrantRefusal::CodeReused | GrantRefusal::RefreshReused);
            assert_eq!(of(refusal).severity() == Severity::Alert, is_theft, "{refusal:?}");
        }
        assert_ne!(of(GrantRefusal::CodeSpent), of(GrantRefusal::CodeReused));
        assert_eq!(Happening::RefreshRepeated.severity(), Severity::Notice);
    }

    #[test]
    fn a_refusal_that_is_an_event_is_worth_a_notice_at_least_or_the_decision_of_a_user_or_operator() {
        for refusal in Refusal::samples() {
            for by_operator in [false, true] {
                let event = Happening::of_refusal(&refusal, by_operator);
                let trifle = event.is_some_and(|event| event.severity() == Severity::Info);
                let is_a_decision =
                    [Refusal::AccessDenied, Refusal::Grant(GrantRefusal::RightsLost)].contains(&refusal);
                assert!(!trifle || is_a_decision, "{refusal:?}");
            }
        }
        let token = Refusal::BearerInvalid;
        assert_eq!(Happening::of_refusal(&token, false), None);
        assert_eq!(Happening::of_refusal(&token, true), Some(Happening::AdminRefused));
    }

    #[test]
    fn every_failed_client_authentication_is_an_event() {
        for refusal in Refusal::samples() {
            let is_counted = Happening::of_refusal(&refusal, false) == Some(Happening::ClientAuthenticationFailed);
            assert_eq!(is_counted, refusal.error().0 == "invalid_client", "{refusal:?}");
        }
    }

    #[test]
    fn a_line_holds_what_is_known_and_nothing_else() {
        let about = About { client: ClientId::parse("a\"b"), kid: Some("k".to_owned()), ..About::default() };
        let event = Event {
            event: Happening::TokenIssued,
            severity: Severity::Info,
            time: UnixTime(7),
            endpoint: "/oauth/token",
            reason: Some("refresh_token"),
            count: None,
            about: &about,
        };
        let line = concat!(
            r#"{"event":"token_issued","severity":"info","time":7,"endpoint":"/oauth/token","#,
            r#""reason":"refresh_token","client":"a\"b","kid":"k"}"#
        );
        assert_eq!(event.to_line(), line);
    }
}
