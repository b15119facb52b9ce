//! Compare-and-swap: a change is computed from a stored record, and stored only if the record is still the same. A request that
//! loses the race reads the record again and retries.

use super::report::{Fault, FaultKind};

/// How many races a request loses before it gives up.
const MAX_ATTEMPTS: usize = 8;

/// Runs an attempt until it succeeds. An attempt returns `None` if another request changed the record after it was read.
///
/// # Errors
/// Those of the attempt; [`FaultKind::Contended`] after the last lost race.
pub(crate) async fn retry<T, E: From<Fault>>(attempt: impl AsyncFnMut() -> Result<Option<T>, E>) -> Result<T, E> {
    match retry_or_give_up(attempt).await? {
        Some(done) => Ok(done),
        None => Err(Fault::new(FaultKind::Contended, &"every attempt lost its race").into()),
    }
}

/// Like [`retry`], for work that may be left undone: `None` after the last lost race.
///
/// # Errors
/// Those of the attempt.
pub(crate) async fn retry_or_give_up<T, E>(
    mut attempt: impl AsyncFnMut() -> Result<Option<T>, E>,
) -> Result<Option<T>, E> {
    for _ in 0..MAX_ATTEMPTS {
        if let Some(done) = attempt().await? {
            return Ok(Some(done));
        }
    }
    Ok(None)
}
