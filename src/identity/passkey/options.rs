//! What the browser is asked for: options in the JSON form that `PublicKeyCredential.parseCreationOptionsFromJSON` and
//! `parseRequestOptionsFromJSON` read (Web Authentication Level 3, sections 5.1.8 and 5.1.9).

use serde_json::{Value, json};

use crate::token::base64url;

use super::cose::ALGORITHMS;
use super::{RelyingParty, StoredPasskey, UserHandle};

/// How long the browser waits for the person, milliseconds.
const TIMEOUT: u32 = 300_000;

/// The options for a new passkey: discoverable, with the person verified, without attestation. An authenticator that
/// already has one of the `existing` ones does not make another.
///
/// The name of the user and how they want to be called are what the browser shows when it asks which passkey to use.
pub fn creation_options<'p>(
    rp: &RelyingParty,
    user_handle: &UserHandle,
    username: &str,
    display_name: &str,
    existing: impl IntoIterator<Item = &'p StoredPasskey>,
    challenge: &[u8],
) -> Value {
    let descriptor =
        |passkey: &StoredPasskey| json!({ "type": "public-key", "id": passkey.id, "transports": passkey.transports });
    let parameter = |alg: i32| json!({ "type": "public-key", "alg": alg });
    json!({
        "rp": { "id": rp.id(), "name": rp.id() },
        "user": { "id": base64url::encode(user_handle), "name": username, "displayName": display_name },
        "challenge": base64url::encode(challenge),
        "pubKeyCredParams": ALGORITHMS.map(parameter),
        "timeout": TIMEOUT,
        "excludeCredentials": existing.into_iter().map(descriptor).collect::<Vec<_>>(),
        // The third member is for browsers from before Level 2.
        "authenticatorSelection": {
            "residentKey": "required", "userVerification": "required", "requireResidentKey": true,
        },
        "attestation": "none",
        // The response says whether the passkey is discoverable.
        "extensions": { "credProps": true },
    })
}

/// Returns the options for signing in with any passkey of this server: the authenticator knows the user, so no name is
/// typed and no response reveals which passkeys exist.
pub fn request_options(rp: &RelyingParty, challenge: &[u8]) -> Value {
    json!({
        "challenge": base64url::encode(challenge),
        "rpId": rp.id(),
        "timeout": TIMEOUT,
        "allowCredentials": [],
        "userVerification": "required",
    })
}
