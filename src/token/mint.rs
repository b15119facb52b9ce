//! Making a compact token: claims in, the bytes to sign out, the signature in, the token out.
//!
//! Two steps for the same reason as in `verify`: the private key is an opaque handle of the platform. Only a shared secret
//! signs here, see [`Draft::seal_with_secret`].

use serde::Serialize;

use super::algorithm::Algorithm;
use super::base64url;
use super::json::quote;
use super::key::Key;
use super::mac::Mac;

/// Mints tokens of one type with one key. Its header is encoded once.
#[derive(Clone, Debug)]
pub struct Minter {
    algorithm: Algorithm,
    encoded_header: String,
}

/// Why a token could not be made. All are mistakes of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MintError {
    /// The claims do not serialise to a JSON object.
    Claims,
    /// The key is no shared secret for the algorithm.
    Key,
    /// The signature has the wrong length for the algorithm.
    Signature,
}

impl std::fmt::Display for MintError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Claims => "the claims do not serialise to a JSON object",
            Self::Key => "the key must be a shared secret for the algorithm",
            Self::Signature => "the signature has the wrong length for the algorithm",
        })
    }
}

impl std::error::Error for MintError {}

impl Minter {
    /// A minter for the key `kid`; `typ` such as `at+jwt` (RFC 9068 section 2.1).
    pub fn new(algorithm: Algorithm, kid: &str, typ: &str) -> Self {
        let (kid, typ) = (quote(kid), quote(typ));
        Self::with_header(algorithm, &format!(r#"{{"alg":"{}","kid":{kid},"typ":{typ}}}"#, algorithm.name()))
    }

    /// A minter for a key without a name.
    pub fn nameless(algorithm: Algorithm, typ: &str) -> Self {
        let typ = quote(typ);
        Self::with_header(algorithm, &format!(r#"{{"alg":"{}","typ":{typ}}}"#, algorithm.name()))
    }

    fn with_header(algorithm: Algorithm, header: &str) -> Self {
        Self { algorithm, encoded_header: base64url::encode(header.as_bytes()) }
    }

    /// The token as far as it goes without a signature.
    ///
    /// # Errors
    /// [`MintError::Claims`] if the claims do not serialise to an object.
    pub fn draft(&self, claims: &impl Serialize) -> Result<Draft, MintError> {
        let payload = serde_json::to_vec(claims).map_err(|_| MintError::Claims)?;
        if payload.first() != Some(&b'{') {
            return Err(MintError::Claims);
        }
        let mut text = Vec::new();
        self.compose(&payload, &mut text);
        Ok(Draft { algorithm: self.algorithm, text: String::from_utf8(text).map_err(|_| MintError::Claims)? })
    }

    /// Writes the bytes to sign (RFC 7515 section 5.1) into a buffer in place of what it held.
    pub(crate) fn compose(&self, payload: &[u8], text: &mut Vec<u8>) {
        text.clear();
        // With room for the signature that most have.
        text.reserve(self.encoded_header.len() + payload.len() * 4 / 3 + 128);
        text.extend_from_slice(self.encoded_header.as_bytes());
        text.push(b'.');
        base64url::encode_onto(payload, text);
    }
}

/// Mints a token in one go: `sign` gives the signature of the bytes that it is handed, for ECDSA in the form r || s.
///
/// # Errors
/// Those of [`Minter::draft`] and [`Draft::seal`].
pub fn mint<S: AsRef<[u8]>>(
    minter: &Minter,
    claims: &impl Serialize,
    sign: impl FnOnce(&[u8]) -> S,
) -> Result<String, MintError> {
    let draft = minter.draft(claims)?;
    let signature = sign(draft.signing_input());
    draft.seal(signature.as_ref())
}

/// A token that lacks only its signature.
#[derive(Debug)]
pub struct Draft {
    algorithm: Algorithm,
    text: String,
}

impl Draft {
    /// The bytes to sign (RFC 7515 section 5.1).
    pub fn signing_input(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The compact token. ECDSA signatures come in the form r || s, as WebCrypto makes them.
    ///
    /// # Errors
    /// [`MintError::Signature`] if the length is wrong for the algorithm.
    pub fn seal(mut self, signature: &[u8]) -> Result<String, MintError> {
        let expected = self.algorithm.signature_len();
        if signature.is_empty() || expected.is_some_and(|len| len != signature.len()) {
            return Err(MintError::Signature);
        }
        self.text.push('.');
        base64url::encode_into(signature, &mut self.text);
        Ok(self.text)
    }

    /// The compact token, signed here with an HMAC.
    ///
    /// # Errors
    /// [`MintError::Key`] if the key is no shared secret, or not one for the minter's algorithm.
    pub fn seal_with_secret(self, key: &Key) -> Result<String, MintError> {
        let secret = key.secret_bytes().filter(|_| key.fits(self.algorithm)).ok_or(MintError::Key)?;
        let mac = Mac::new(self.algorithm, secret).ok_or(MintError::Key)?;
        let tag = mac.sign(self.text.as_bytes());
        self.seal(tag.as_bytes())
    }
}
