//! The stored form of an account's records: records of earlier versions are readable, and the form of new ones must not change.

use edgemint::account::identifier::Identifier;
use edgemint::account::record::{AccountRecord, PasskeyRecord, Session};
use edgemint::records::{self, StorageErrorKind, Table};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// A record is read, and stored again as the same JSON.
fn is_kept<T: DeserializeOwned + Serialize>(record: &Value) {
    let read: T = records::read(&record.to_string()).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&records::write(&read).unwrap()).unwrap(), *record);
}

#[test]
fn records_keep_their_stored_form() {
    is_kept::<AccountRecord>(&json!({ "profile": "sealed", "scope": "openid read", "created": 1_800_000_000 }));
    is_kept::<AccountRecord>(&json!({ "profile": "sealed", "scope": null, "created": 1_800_000_000 }));
    let session = json!({
        "sign_in": { "at": 1_800_000_000, "amr": ["pwd"], "acr": "1" }, "agent": "Firefox", "opened_at": 1_800_000_001,
        "seen_at": 1_800_000_002, "ends": 1_800_000_003, "passkey": "AAECAwQFBgcICQoLDA0ODw",
    });
    is_kept::<Session>(&session);
    // A version that stored neither `acr` nor the passkey.
    is_kept::<Session>(&json!({
        "sign_in": { "at": 1_800_000_000, "amr": ["pwd"] }, "agent": "Firefox", "opened_at": 1_800_000_001,
        "seen_at": 1_800_000_002, "ends": 1_800_000_003,
    }));
    is_kept::<PasskeyRecord>(&json!({
        "name": "Phone", "created": 1_800_000_000, "used_at": null,
        "passkey": {
            "id": "AAECAwQFBgcICQoLDA0ODw", "public_key": "pQECAyYgASFYIA", "sign_count": 7, "backup_eligible": true,
            "backed_up": false, "transports": ["internal"], "aaguid": "00000000-0000-0000-0000-000000000000",
        },
    }));
    is_kept::<Identifier>(
        &json!({ "account": "AQEBAQEBAQEBAQEBAQEBAQ", "password": "sealed", "since": 1_800_000_000 }),
    );
    is_kept::<Identifier>(&json!({ "account": "AQEBAQEBAQEBAQEBAQEBAQ", "password": null, "since": 1_800_000_000 }));
}

#[test]
fn a_record_that_cannot_be_read_is_an_error_that_does_not_show_it() {
    let error = records::read::<Identifier>(r#"{ "account": "secret" }"#).unwrap_err();
    assert_eq!(error.kind, StorageErrorKind::Unreadable);
    assert!(!error.cause.contains("secret"), "{}", error.cause);
}

#[test]
fn the_names_of_the_kinds_of_record_do_not_change() {
    let names = [
        (Table::Account, "account"),
        (Table::Attempts, "attempts"),
        (Table::Consent, "consent"),
        (Table::Device, "device"),
        (Table::EndedFor, "ended_for"),
        (Table::FreeEntry, "free_entry"),
        (Table::Grant, "grant"),
        (Table::Identifier, "identifier"),
        (Table::Job, "job"),
        (Table::OpenLists, "open_lists"),
        (Table::Passkey, "passkey"),
        (Table::Revocation, "revocation"),
        (Table::RevokedEntry, "revoked_entry"),
        (Table::RevokedToken, "revoked_token"),
        (Table::Session, "session"),
        (Table::SpentChallenge, "spent_challenge"),
        (Table::SpentForm, "spent_form"),
        (Table::SpentProof, "spent_proof"),
        (Table::StatusList, "status_list"),
        (Table::UserCodeTries, "user_code_tries"),
    ];
    for (table, name) in names {
        assert_eq!(table.name(), name);
    }
}
