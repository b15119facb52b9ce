//! Public keys of credentials: `COSE_Key` (RFC 9053 section 7, RFC 8230 section 4), checked with the rules of all other
//! keys here.

use ciborium::Value;
use serde_json::json;

use crate::token::{Key, base64url};

const EDDSA: i32 = -8;
const ES256: i32 = -7;
const RS256: i32 = -257;

/// The algorithms that are asked for, the best first. Security keys have the first two, Windows Hello the last.
pub(super) const ALGORITHMS: [i32; 3] = [EDDSA, ES256, RS256];

/// The algorithm of a key that is good for one of [`ALGORITHMS`]. `None` if it is another's, or weak: below 2048 bits,
/// with an exponent that is even or 1, or an Ed25519 point of small order, under which one signature holds for every message.
pub(super) fn algorithm(cose_key: &[u8]) -> Option<i32> {
    let Value::Map(members) = ciborium::from_reader(cose_key).ok()? else { return None };
    let member = |label: i32| {
        let mut named = members.iter().filter(|(name, _)| *name == Value::from(label)).map(|(_, value)| value);
        named.next().filter(|_| named.next().is_none())
    };
    let number = |label| member(label)?.as_integer()?.try_into().ok();
    let bytes = |label| member(label)?.as_bytes().map(|bytes| base64url::encode(bytes));
    let (kty, alg): (i32, i32) = (number(KTY)?, number(ALG)?);
    let jwk = match (kty, alg) {
        (1, EDDSA) if number(CRV) == Some(6) => json!({ "kty": "OKP", "crv": "Ed25519", "x": bytes(X)? }),
        (2, ES256) if number(CRV) == Some(1) => {
            json!({ "kty": "EC", "crv": "P-256", "x": bytes(X)?, "y": bytes(Y)? })
        }
        (3, RS256) => json!({ "kty": "RSA", "n": bytes(N)?, "e": bytes(E)? }),
        _ => return None,
    };
    Key::from_jwk(jwk.as_object()?).ok().map(|_| alg)
}

/// The labels of a key's members.
const KTY: i32 = 1;
const ALG: i32 = 3;
const CRV: i32 = -1;
const X: i32 = -2;
const Y: i32 = -3;
/// RSA has its own meaning for two of them.
const N: i32 = -1;
const E: i32 = -2;
