//! The records of an account, as they are stored.

use serde::{Deserialize, Serialize};

use crate::identity::passkey::StoredPasskey;
use crate::oauth::grant::SignIn;
use crate::oauth::vocabulary::scope::Scope;
use crate::token::UnixTime;

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct AccountRecord {
    /// The sealed profile. The object has no key to open it.
    pub profile: String,
    /// The scope that the user may allow to clients. Without one: everything except administration.
    pub scope: Option<Scope>,
    /// When the account was created.
    pub created: UnixTime,
    /// Whether the account is disabled; absent in records of accounts that are not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
}

/// A session: one browser that is signed in.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Session {
    /// The sign-in.
    pub sign_in: SignIn,
    /// The kind of browser, for display.
    pub agent: String,
    /// Since when the browser has been signed in.
    pub opened_at: UnixTime,
    /// The last use, to the hour.
    pub seen_at: UnixTime,
    /// When it expires.
    pub ends: UnixTime,
    /// The passkey that opened the session, if one did; sessions that earlier versions stored do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passkey: Option<String>,
}

/// A passkey.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct PasskeyRecord {
    /// The name that the user gave it.
    pub name: String,
    /// When it was added.
    pub created: UnixTime,
    /// The last sign-in with it.
    pub used_at: Option<UnixTime>,
    /// The key that checks its signatures, and its state.
    pub passkey: StoredPasskey,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_account_of_a_version_without_disabling_is_enabled_and_stored_as_before() {
        let stored = json!({ "profile": "sealed", "scope": "read", "created": 5 });
        let account: AccountRecord = serde_json::from_value(stored.clone()).unwrap();
        assert!(!account.disabled);
        assert_eq!(serde_json::to_value(&account).unwrap(), stored);
        let disabled = serde_json::to_value(AccountRecord { disabled: true, ..account.clone() }).unwrap();
        assert_eq!(
            serde_json::from_value::<AccountRecord>(disabled).unwrap(),
            AccountRecord { disabled: true, ..account }
        );
    }
}
