//! The issuer: one call for each token.

use wasm_bindgen::prelude::*;

use super::policy::texts;
use super::refusal::Refusal;
use super::row::{GOOD, REASONS, UNSIGNED};
use crate::token::json::Outline;
use crate::token::{self, Algorithm, Key, KeyError, Minter, base64url};

/// A kind of token, and the one that was last minted.
#[wasm_bindgen]
pub struct Issuer {
    issuer: token::Issuer,
    input: Vec<u8>,
    claim: Option<String>,
}

#[wasm_bindgen]
impl Issuer {
    /// Takes options as JSON: `algorithm`, the key's identifier `kid` if it has one, the `type`, the names of the required claims
    /// (`requiredClaims`), and for HMAC the `secret` in base64url.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &str) -> Result<Self, Refusal> {
        let mut outline = Outline::default();
        outline.read(options.as_bytes()).ok_or_else(Refusal::of_options)?;
        let find = |name| outline.find(options, name);
        let text = |name| find(name).and_then(|value| value.text(options));
        let algorithm = text("algorithm").and_then(|name| Algorithm::from_name(&name)).ok_or(KeyError::Unsupported)?;
        let typ = text("type").ok_or_else(Refusal::of_options)?;
        let minter = match text("kid") {
            Some(kid) => Minter::new(algorithm, &kid, &typ),
            None => Minter::nameless(algorithm, &typ),
        };
        let required_claims = find("requiredClaims").and_then(|names| texts(names, options)?);
        let issuer = token::Issuer::new(minter, required_claims.ok_or_else(Refusal::of_options)?);
        let issuer = match text("secret") {
            Some(secret) => {
                let secret = base64url::decode(secret.as_bytes()).ok_or(KeyError::Malformed)?;
                issuer.with_secret(&Key::from_secret(&secret, algorithm)?, algorithm)?
            }
            None => issuer,
        };
        Ok(Self { issuer, input: Vec::new(), claim: None })
    }

    /// The address in memory for claims of this many bytes.
    pub fn input(&mut self, len: usize) -> usize {
        if self.input.len() < len {
            self.input.resize(len, 0);
        }
        self.input.as_ptr() as usize
    }

    /// Mints a token of the claims in the first `len` bytes of the input, as JSON. Returns 0 if it is signed, 1 if the platform must
    /// sign `text`; else 2 + the number of the reason.
    pub fn mint(&mut self, len: usize) -> u32 {
        match self.issuer.mint(self.input.get(..len).unwrap_or_default()) {
            Ok(true) => GOOD,
            Ok(false) => UNSIGNED,
            Err(reason) => {
                self.claim = reason.claim().map(str::to_owned);
                REASONS + reason.number()
            }
        }
    }

    /// The address of the text that was minted last.
    #[wasm_bindgen(getter)]
    pub fn text(&self) -> usize {
        self.issuer.text().as_ptr() as usize
    }

    /// Its length in bytes.
    #[wasm_bindgen(getter)]
    pub fn len(&self) -> usize {
        self.issuer.text().len()
    }

    /// The claim of the last reason.
    #[wasm_bindgen(getter)]
    pub fn claim(&self) -> Option<String> {
        self.claim.clone()
    }
}
