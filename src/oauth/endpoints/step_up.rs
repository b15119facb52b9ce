//! Step-up authentication: changes of an account that need a recent sign-in, not only a session.

use crate::token::UnixTime;

use crate::oauth::grant::SignIn;

/// The maximum age of the sign-in for a sensitive change of the account, seconds.
pub const MAX_SIGN_IN_AGE: u64 = 300;

/// Returns whether the sign-in is recent enough to add or remove a passkey or to change the password.
pub const fn is_recent(sign_in: &SignIn, now: UnixTime) -> bool {
    sign_in.is_recent(MAX_SIGN_IN_AGE, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_is_recent_for_five_minutes() {
        let now = UnixTime(1_795_510_020);
        for (at, recent) in [
            (now.0, true),
            (now.0 - 300, true),
            (now.0 - 301, false),
            (0, false),
            (now.0 + 120, true),
            (now.0 + 121, false),
            (u64::MAX, false),
        ] {
            let sign_in = SignIn { at: UnixTime(at), amr: vec!["pwd".to_owned()], acr: None };
            assert_eq!(is_recent(&sign_in, now), recent, "{at}");
        }
    }
}
