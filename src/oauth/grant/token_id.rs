//! The identifiers of access tokens.

use serde::{Deserialize, Serialize};

use crate::oauth::grant::handle::GrantId;
use crate::token::base64url;

/// The identifier of an access token (`jti`, RFC 7519 section 4.1.7). It names the token's grant, if there is one, and is
/// otherwise random.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct TokenId(String);

impl TokenId {
    /// Makes the identifier of a client's own token from random bytes.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(base64url::encode(&bytes))
    }

    /// Makes the identifier of a token of a grant. The suffix tells it from the grant's other tokens.
    pub fn within(grant: &GrantId, suffix: &str) -> Self {
        Self(format!("{grant}.{suffix}"))
    }

    /// Reads the `jti` of a verified token.
    pub fn of_verified(jti: &str) -> Self {
        Self(jti.to_owned())
    }

    /// Returns the grant that it names. The identifiers of clients' own tokens name none.
    pub fn grant(&self) -> Option<GrantId> {
        self.0.split_once('.').and_then(|(grant, _)| GrantId::parse(grant))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identifier_of_a_token_names_its_grant() {
        let grant = GrantId::from_bytes([7; 16]);
        assert_eq!(TokenId::within(&grant, "x.y").as_str(), format!("{grant}.x.y"));
        assert_eq!(TokenId::within(&grant, "x.y").grant(), Some(grant.clone()));
        for nameless in [TokenId::from_random([7; 16]), TokenId::of_verified("short.x"), TokenId::of_verified("")] {
            assert_eq!(nameless.grant(), None, "{nameless:?}");
        }
        assert_eq!(TokenId::from_random([0; 16]).as_str(), "AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(serde_json::to_string(&TokenId::of_verified("j")).unwrap(), "\"j\"");
    }
}
