//! Passkeys: discoverable WebAuthn credentials that verify the person (Web Authentication Level 3, sections 7.1 and 7.2).
//!
//! The library `passki` does the checks; only this folder uses it. This module adds what the library leaves to its
//! callers: the owner of the credential, the permitted kinds of key, and what may change between sign-ins.
//!
//! The challenge is an argument: the caller has checked that this server issued it for this ceremony and that it has not expired.

mod cose;
mod decisions;
mod options;
mod relying_party;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::token::base64url;

pub use decisions::{AdditionError, Counter, MAX_PASSKEYS, may_add, may_remove};
pub use options::{creation_options, request_options};
pub use relying_party::RelyingParty;

/// The maximum size of an authenticator's response, bytes of JSON. Most have one or two thousand; unrequested
/// attestations add some.
pub const MAX_RESPONSE: usize = 16 * 1024;

/// The random identifier that an authenticator keeps for an account: it says nothing about the person.
pub type UserHandle = [u8; 16];

/// The identifier of a credential, chosen by the authenticator: 1 to 1023 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct CredentialId(Vec<u8>);

impl CredentialId {
    /// Takes the bytes; `None` if there are too few or too many (section 5.1, `rawId`).
    pub fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        (1..=1023).contains(&bytes.len()).then_some(Self(bytes))
    }

    /// Reads base64url.
    pub fn parse(text: &str) -> Option<Self> {
        Self::from_bytes(base64url::decode(text.as_bytes())?)
    }

    /// The identifier as base64url.
    pub fn to_text(&self) -> String {
        base64url::encode(&self.0)
    }
}

impl TryFrom<String> for CredentialId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a credential id")
    }
}

impl From<CredentialId> for String {
    fn from(id: CredentialId) -> Self {
        id.to_text()
    }
}

/// A passkey as an account keeps it. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct StoredPasskey {
    /// The identifier.
    pub id: CredentialId,
    /// The public key, a `COSE_Key` as base64url.
    public_key: String,
    /// The last count of signatures; 0 from authenticators that do not count, as those that sync do not.
    sign_count: u32,
    /// Whether it may be copied to other devices (backup eligibility). Never changes.
    pub backup_eligible: bool,
    /// Whether it has been copied.
    pub backed_up: bool,
    /// How the authenticator can be reached, as it said when it was registered: a hint for the next time.
    pub transports: Vec<String>,
    /// The model of the authenticator, or of the password manager, as a UUID; zeros if unknown. It is not
    /// attested: use it only to show a name and a picture.
    pub aaguid: String,
}

/// The signed data of an accepted sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Assertion {
    /// The count of signatures.
    pub sign_count: u32,
    /// Whether the passkey may be copied to other devices.
    pub backup_eligible: bool,
    /// Whether it has been copied.
    pub backed_up: bool,
    /// Whether the authenticator verified the user, by a PIN or a fingerprint. Always true: other responses are refused.
    pub user_verified: bool,
}

/// Why a response was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasskeyError {
    /// An unrequested attestation that does not verify.
    Attestation,
    /// The backup eligibility changed, or a passkey that may not be backed up says that it is.
    Backup,
    /// The response belongs to the other ceremony.
    Ceremony,
    /// The challenge differs, was not issued by this server, or has expired.
    Challenge,
    /// The signature counter of a device-bound passkey did not increase: the key may have been copied.
    Counter,
    /// The credential identifiers disagree.
    Credential,
    /// The public key is weak, or of a kind that was not requested.
    Key,
    /// The response cannot be parsed.
    Malformed,
    /// The credential cannot be found without its identifier.
    NotDiscoverable,
    /// The user-present flag is missing.
    NotPresent,
    /// The person was not verified.
    NotVerified,
    /// Another origin, or a page that was embedded in one.
    Origin,
    /// A credential for another relying party.
    RelyingParty,
    /// The signature does not verify.
    Signature,
    /// Longer than [`MAX_RESPONSE`].
    TooLarge,
    /// The passkey belongs to another user, or to none.
    User,
}

impl PasskeyError {
    /// The stable word for logs. Users see the same message for all of them.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Attestation => "attestation",
            Self::Backup => "backup",
            Self::Ceremony => "ceremony",
            Self::Challenge => "challenge",
            Self::Counter => "counter",
            Self::Credential => "credential",
            Self::Key => "key",
            Self::Malformed => "malformed",
            Self::NotDiscoverable => "not_discoverable",
            Self::NotPresent => "not_present",
            Self::NotVerified => "not_verified",
            Self::Origin => "origin",
            Self::RelyingParty => "relying_party",
            Self::Signature => "signature",
            Self::TooLarge => "too_large",
            Self::User => "user",
        }
    }
}

impl From<passki::PasskiError> for PasskeyError {
    fn from(error: passki::PasskiError) -> Self {
        use passki::PasskiError as E;
        match error {
            E::ChallengeMismatch => Self::Challenge,
            E::ClientDataTypeMismatch { .. } | E::InvalidClientDataType(_) => Self::Ceremony,
            E::OriginMismatch { .. } | E::CrossOriginNotAllowed | E::TopOriginMismatch { .. } => Self::Origin,
            E::RpIdHashMismatch => Self::RelyingParty,
            E::UserNotPresent => Self::NotPresent,
            E::UserVerificationRequired => Self::NotVerified,
            E::InvalidBackupFlags => Self::Backup,
            E::CounterRegression => Self::Counter,
            E::CredentialNotAllowed | E::CredentialIdMismatch => Self::Credential,
            E::UnsupportedAlgorithm(_) | E::InvalidCoseKey(_) => Self::Key,
            E::SignatureVerificationFailed => Self::Signature,
            E::UnsupportedAttestationFormat(_)
            | E::MissingAttStmtField(_)
            | E::InvalidAttestation(_)
            | E::InvalidCertificate(_) => Self::Attestation,
            // The library may add reasons: each is one to refuse.
            _ => Self::Malformed,
        }
    }
}

/// Verifies the response to [`creation_options`] (section 7.1): a new passkey for the account that the challenge was
/// made for. `response` is what `PublicKeyCredential.toJSON` gives.
///
/// The caller must ensure that no account has a passkey with this identifier.
///
/// # Errors
/// See [`PasskeyError`].
pub fn verify_registration(rp: &RelyingParty, challenge: &[u8], response: &str) -> Result<StoredPasskey, PasskeyError> {
    let response: passki::RegistrationCredential = read(response)?;
    // The library's state is open to serde. Who the user is matters only where it makes the options.
    let user = json!({ "id": "", "name": "", "displayName": "" });
    let state = json!({ "challenge": challenge, "user": user, "user_verification": "required" });
    let state = serde_json::from_value(state).map_err(|_| PasskeyError::Malformed)?;
    let registered = rp.library().finish_passkey_registration(&response, &state)?;
    if registered.rk == Some(false) {
        return Err(PasskeyError::NotDiscoverable);
    }
    if cose::algorithm(&registered.public_key) != Some(registered.algorithm) {
        return Err(PasskeyError::Key);
    }
    let transports = serde_json::to_value(&registered.transports).and_then(serde_json::from_value);
    Ok(StoredPasskey {
        id: CredentialId::from_bytes(registered.credential_id).ok_or(PasskeyError::Malformed)?,
        public_key: base64url::encode(&registered.public_key),
        sign_count: registered.counter,
        backup_eligible: registered.be,
        backed_up: registered.bs,
        transports: transports.unwrap_or_default(),
        aaguid: uuid(registered.aaguid),
    })
}

/// Returns the credential and the user handle that a response claims, to look up the passkey for
/// [`verify_authentication`]. `None` if the response names none.
pub fn claimed(response: &str) -> Option<(CredentialId, UserHandle)> {
    let response: passki::AuthenticationCredential = read(response).ok()?;
    let user_handle = base64url::decode(response.response.user_handle?.as_bytes())?;
    Some((CredentialId::parse(&response.raw_id)?, user_handle.try_into().ok()?))
}

/// Returns the challenge that a response claims to answer; the caller checks that this server issued it.
pub fn answered(response: &str) -> Option<Vec<u8>> {
    #[derive(Deserialize)]
    struct Response {
        response: Inner,
    }
    #[derive(Deserialize)]
    struct Inner {
        #[serde(rename = "clientDataJSON")]
        client_data: String,
    }
    #[derive(Deserialize)]
    struct ClientData {
        challenge: String,
    }
    let response: Response = read(response).ok()?;
    let client_data = base64url::decode(response.response.client_data.as_bytes())?;
    let client_data: ClientData = serde_json::from_slice(&client_data).ok()?;
    base64url::decode(client_data.challenge.as_bytes())
}

/// Verifies the response to [`request_options`] (section 7.2) by a passkey of the account with this user handle.
///
/// The signature counter is not compared here: the account does that with its newest record, by
/// [`StoredPasskey::accept`].
///
/// # Errors
/// See [`PasskeyError`].
pub fn verify_authentication(
    rp: &RelyingParty,
    user_handle: &UserHandle,
    challenge: &[u8],
    passkey: &StoredPasskey,
    response: &str,
) -> Result<Assertion, PasskeyError> {
    let response: passki::AuthenticationCredential = read(response)?;
    let state = json!({
        "challenge": challenge, "allowed_credentials": [passkey.id.0], "user_verification": "required",
    });
    let state = serde_json::from_value(state).map_err(|_| PasskeyError::Malformed)?;
    let verified = rp.library().finish_passkey_authentication(&response, &state, &passkey.for_library()?)?;
    // The credential is discoverable: an authenticator that leaves out the user handle breaks section 6.3.3.
    if verified.user_handle.as_deref() != Some(user_handle) {
        return Err(PasskeyError::User);
    }
    let signed = base64url::decode(response.response.authenticator_data.as_bytes()).ok_or(PasskeyError::Malformed)?;
    let flags = *signed.get(FLAGS).ok_or(PasskeyError::Malformed)?;
    Ok(Assertion {
        sign_count: verified.counter,
        backup_eligible: flags & BACKUP_ELIGIBLE != 0,
        backed_up: flags & BACKED_UP != 0,
        user_verified: flags & USER_VERIFIED != 0,
    })
}

/// Where the flags are in authenticator data, and three of them (section 6.1).
const FLAGS: usize = 32;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;

impl StoredPasskey {
    /// The passkey as the library takes it, with a counter of 0: the library would refuse every counter that does not
    /// increase, but [`StoredPasskey::accept`] decides what that means.
    fn for_library(&self) -> Result<passki::StoredPasskey, PasskeyError> {
        let mut passkey = passki::StoredPasskey::default();
        passkey.credential_id.clone_from(&self.id.0);
        passkey.public_key = base64url::decode(self.public_key.as_bytes()).ok_or(PasskeyError::Key)?;
        passkey.algorithm = cose::algorithm(&passkey.public_key).ok_or(PasskeyError::Key)?;
        passkey.counter = 0;
        Ok(passkey)
    }
}

fn read<T: serde::de::DeserializeOwned>(response: &str) -> Result<T, PasskeyError> {
    if response.len() > MAX_RESPONSE {
        return Err(PasskeyError::TooLarge);
    }
    serde_json::from_str(response).map_err(|_| PasskeyError::Malformed)
}

/// 16 bytes as a UUID (RFC 9562 section 4).
fn uuid(bytes: [u8; 16]) -> String {
    let mut text = data_encoding::HEXLOWER.encode(&bytes);
    for at in [20, 16, 12, 8] {
        text.insert(at, '-');
    }
    text
}

#[cfg(test)]
#[cfg(feature = "portable")]
mod authenticator;
#[cfg(test)]
#[cfg(feature = "portable")]
mod tests;
