//! What an account decides about its passkeys in the turn that reads and writes them: whether one may be added, and
//! what the signature counter of a sign-in means. Pure, so that two requests can never both pass a check that is meant
//! for one.

use super::{Assertion, PasskeyError, StoredPasskey};

/// The maximum number of passkeys of an account.
pub const MAX_PASSKEYS: usize = 20;

/// Why a verified passkey is not added to the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdditionError {
    /// The challenge was already answered.
    ChallengeSpent,
    /// The account already has a passkey with this identifier.
    Exists,
    /// The account has [`MAX_PASSKEYS`] passkeys.
    Full,
}

/// Decides whether an account that has `count` passkeys may add another one.
///
/// # Errors
/// See [`AdditionError`].
pub const fn may_add(count: usize, exists: bool, challenge_spent: bool) -> Result<(), AdditionError> {
    if challenge_spent {
        Err(AdditionError::ChallengeSpent)
    } else if exists {
        Err(AdditionError::Exists)
    } else if count >= MAX_PASSKEYS {
        Err(AdditionError::Full)
    } else {
        Ok(())
    }
}

/// Decides whether the person may remove a passkey of an account that has `count` of them.
///
/// `is_needed`: the account has no password, so that the last passkey is the last way to sign in.
pub const fn may_remove(count: usize, is_needed: bool) -> bool {
    count != 1 || !is_needed
}

/// The signature counter of an accepted sign-in, compared with the stored one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// It increased, or the authenticator does not count.
    Increased,
    /// It did not increase, and the passkey is one that may be synced: its provider may have restarted the counter.
    Restarted,
}

impl StoredPasskey {
    /// Updates the passkey with a verified sign-in, in the turn in which the account's record is read and written.
    ///
    /// A counter that does not increase is a signal of a copied key, not a proof (section 7.2, step 22). A passkey that
    /// may be synced exists in copies anyway, and its counter may restart on another device: the sign-in passes. A
    /// passkey bound to one device is refused.
    ///
    /// # Errors
    /// [`PasskeyError::Backup`] if the backup eligibility changed (step 19), [`PasskeyError::Counter`] if the counter
    /// of a device-bound passkey did not increase. The passkey is then unchanged.
    pub const fn accept(&mut self, assertion: &Assertion) -> Result<Counter, PasskeyError> {
        if assertion.backup_eligible != self.backup_eligible {
            return Err(PasskeyError::Backup);
        }
        let counts = self.sign_count != 0 || assertion.sign_count != 0;
        let counter = if counts && assertion.sign_count <= self.sign_count {
            if !self.backup_eligible {
                return Err(PasskeyError::Counter);
            }
            Counter::Restarted
        } else {
            Counter::Increased
        };
        self.sign_count = assertion.sign_count;
        self.backed_up = assertion.backed_up;
        Ok(counter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passkey_is_added_once_a_challenge_and_up_to_the_limit() {
        assert_eq!(may_add(0, false, false), Ok(()));
        assert_eq!(may_add(MAX_PASSKEYS - 1, false, false), Ok(()));
        assert_eq!(may_add(MAX_PASSKEYS, false, false), Err(AdditionError::Full));
        assert_eq!(may_add(MAX_PASSKEYS + 10, false, false), Err(AdditionError::Full));
        assert_eq!(may_add(1, true, false), Err(AdditionError::Exists));
        assert_eq!(may_add(1, false, true), Err(AdditionError::ChallengeSpent));
        assert_eq!(may_add(MAX_PASSKEYS, true, true), Err(AdditionError::ChallengeSpent));
    }

    #[test]
    fn the_last_passkey_of_an_account_without_a_password_stays() {
        assert!(!may_remove(1, true));
        for (count, is_needed) in [(0, true), (2, true), (0, false), (1, false), (2, false)] {
            assert!(may_remove(count, is_needed), "{count}");
        }
    }
}
