//! Ending sessions, grants and consents of an account.

use crate::account::grants::{EndGrants, WithdrawConsent};
use crate::account::sessions::{EndSession, EndSessions};
use crate::account::turn::AccountCommand;
use crate::oauth::Refusal;
use crate::oauth::grant::handle::AccountId;
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::worker::audit::Audit;
use crate::worker::env::Platform;
use crate::worker::objects;
use crate::worker::report::RequestError;

/// A command that ends sessions or grants and returns their number.
pub(crate) trait Ending: AccountCommand<Answer = Option<u64>> {
    /// Records the audit event.
    fn note(&self, audit: &Audit, count: u64);
}

impl Ending for EndSession {
    fn note(&self, audit: &Audit, count: u64) {
        audit.note_count(EventKind::SessionsEnded, count);
    }
}

impl Ending for EndSessions {
    fn note(&self, audit: &Audit, count: u64) {
        audit.note_count(EventKind::SessionsEnded, count);
    }
}

impl Ending for EndGrants {
    fn note(&self, audit: &Audit, count: u64) {
        audit.note_count(EventKind::GrantsEnded, count);
    }
}

impl Ending for WithdrawConsent {
    fn note(&self, audit: &Audit, count: u64) {
        audit.client(&self.client).note_count(EventKind::ConsentWithdrawn, count);
    }
}

/// Runs a command that ends sessions or grants, records the event, and returns their number.
///
/// # Errors
/// [`Refusal::UserNotFound`].
pub(crate) async fn end<C: Ending>(platform: &Platform, account: &AccountId, command: &C) -> Result<u64, RequestError> {
    let count = objects::send(platform, account, command).await?.ok_or(Refusal::UserNotFound)?;
    command.note(platform.audit.user(account), count);
    Ok(count)
}
