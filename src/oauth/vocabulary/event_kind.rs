//! The kinds of audit events: a closed list, each with a stable word and a severity.
//!
//! A row of the table is `Kind: "word" Severity`, in the order of the words.

use serde::{Serialize, Serializer};

/// How much attention an event needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Normal operation.
    Info,
    /// A refusal, or an event that needs a look if it is frequent.
    Notice,
    /// A possible theft of credentials or keys.
    Alert,
}

impl Severity {
    /// All values.
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

/// Writes the enum of event kinds, in the order of their words, from the table.
macro_rules! event_kinds {
    ($( $(#[$doc:meta])* $kind:ident: $word:literal $severity:ident; )+) => {
        /// The kind of an audit event.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum EventKind { $( $(#[$doc])* $kind, )+ }

        impl EventKind {
            /// All of them, in the order of their words.
            pub const ALL: [Self; [$($word),+].len()] = [$( Self::$kind ),+];

            /// Returns the stable word.
            pub const fn word(self) -> &'static str {
                match self { $( Self::$kind => $word, )+ }
            }

            /// Returns the severity.
            pub const fn severity(self) -> Severity {
                match self { $( Self::$kind => Severity::$severity, )+ }
            }
        }
    };
}

event_kinds! {
    /// An admin endpoint refused a token that is invalid or lacks the scope.
    AdminRefused: "admin_refused" Notice;
    /// An operator started a bulk revocation.
    BulkRevocationStarted: "bulk_revocation_started" Info;
    /// A bulk revocation is complete, with the number of grants.
    BulkRevoked: "bulk_revoked" Info;
    /// Client authentication failed.
    ClientAuthenticationFailed: "client_authentication_failed" Notice;
    /// An operator disabled a client.
    ClientDisabled: "client_disabled" Info;
    /// An operator enabled a client that was disabled.
    ClientEnabled: "client_enabled" Info;
    /// A client was registered.
    ClientRegistered: "client_registered" Info;
    /// A client was removed.
    ClientRemoved: "client_removed" Info;
    /// A client's metadata or secret was replaced.
    ClientReplaced: "client_replaced" Info;
    /// A service client's own tokens were revoked.
    ClientTokensEnded: "client_tokens_ended" Info;
    /// A code was issued on a remembered consent.
    CodeIssued: "code_issued" Info;
    /// A code was presented after the replay window: its grant was revoked.
    CodeReused: "code_reused" Alert;
    /// A code was presented again within the replay window, a device code at any time, or a consent form was sent again.
    CodeSpent: "code_spent" Notice;
    /// The user or the rules for the user's account denied a request.
    ConsentDenied: "consent_denied" Info;
    /// The user allowed a request.
    ConsentGiven: "consent_given" Info;
    /// The user withdrew a consent.
    ConsentWithdrawn: "consent_withdrawn" Info;
    /// A device code was issued.
    DeviceCodeIssued: "device_code_issued" Info;
    /// A number of events could not be stored. They are in the log.
    EventsDropped: "events_dropped" Notice;
    /// An operator created an exchange rule.
    ExchangeRuleCreated: "exchange_rule_created" Info;
    /// An operator removed an exchange rule.
    ExchangeRuleRemoved: "exchange_rule_removed" Info;
    /// An operator replaced an exchange rule.
    ExchangeRuleReplaced: "exchange_rule_replaced" Info;
    /// A grant was revoked by its user or an operator, or because none of its rights are left.
    GrantEnded: "grant_ended" Info;
    /// A number of grants were revoked together.
    GrantsEnded: "grants_ended" Info;
    /// A signing key was created.
    KeyCreated: "key_created" Info;
    /// A signing key was imported.
    KeyImported: "key_imported" Info;
    /// A signing key was revoked.
    KeyRevoked: "key_revoked" Alert;
    /// An operator had the next signing keys take over.
    KeysRotated: "keys_rotated" Info;
    /// A passkey was added.
    PasskeyAdded: "passkey_added" Info;
    /// The counter of a device-bound passkey did not increase: there may be a copy of it.
    PasskeyCounter: "passkey_counter" Alert;
    /// The counter of a passkey that may be synced did not increase. The sign-in succeeded.
    PasskeyCounterRestarted: "passkey_counter_restarted" Notice;
    /// A passkey was removed.
    PasskeyRemoved: "passkey_removed" Info;
    /// A user changed the password.
    PasswordChanged: "password_changed" Info;
    /// An operator set a password.
    PasswordReset: "password_reset" Info;
    /// A number of records were re-encrypted.
    RecordsResealed: "records_resealed" Info;
    /// A refresh token got the same response again, within the replay window.
    RefreshRepeated: "refresh_repeated" Notice;
    /// A refresh token was presented after the replay window: its grant was revoked.
    RefreshReused: "refresh_reused" Alert;
    /// A request was refused for another noteworthy reason.
    Refused: "refused" Notice;
    /// An operator started the re-encryption of all records.
    ResealStarted: "reseal_started" Info;
    /// An operator registered a resource.
    ResourceCreated: "resource_created" Info;
    /// An operator removed a resource.
    ResourceRemoved: "resource_removed" Info;
    /// An operator replaced the record of a resource.
    ResourceReplaced: "resource_replaced" Info;
    /// An operator reported that all state was restored from a backup.
    Restored: "restored" Info;
    /// A number of sessions were ended.
    SessionsEnded: "sessions_ended" Info;
    /// A user signed in.
    SignIn: "sign_in" Info;
    /// A sign-in failed.
    SignInFailed: "sign_in_failed" Notice;
    /// A sign-in attempt must wait.
    SignInThrottled: "sign_in_throttled" Notice;
    /// A user signed out.
    SignOut: "sign_out" Info;
    /// An access token was minted, with the tokens beside it.
    TokenIssued: "token_issued" Info;
    /// A client revoked a token.
    TokenRevoked: "token_revoked" Info;
    /// An operator added a trusted issuer.
    TrustedIssuerCreated: "trusted_issuer_created" Info;
    /// An operator removed a trusted issuer.
    TrustedIssuerRemoved: "trusted_issuer_removed" Info;
    /// An operator replaced the record of a trusted issuer.
    TrustedIssuerReplaced: "trusted_issuer_replaced" Info;
    /// An account was created.
    UserCreated: "user_created" Info;
    /// An operator disabled a user.
    UserDisabled: "user_disabled" Info;
    /// An operator enabled a user that was disabled.
    UserEnabled: "user_enabled" Info;
    /// An account was removed.
    UserRemoved: "user_removed" Info;
    /// An account's record was replaced.
    UserReplaced: "user_replaced" Info;
}

impl Serialize for EventKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_all_and_in_order() {
        for (index, kind) in EventKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, index, "{kind:?}");
        }
        assert_eq!(EventKind::UserReplaced as usize + 1, EventKind::ALL.len());
        assert!(EventKind::ALL.is_sorted_by_key(|kind| kind.word()));
    }

    #[test]
    fn alerts_are_possible_thefts() {
        let alerts = EventKind::ALL.into_iter().filter(|kind| kind.severity() == Severity::Alert);
        let words: Vec<_> = alerts.map(EventKind::word).collect();
        assert_eq!(words, ["code_reused", "key_revoked", "passkey_counter", "refresh_reused"]);
    }
}
