//! Random bytes: the only place that asks the platform for them. Never at global scope, where workerd forbids it.

use std::cell::RefCell;

use super::report::{Fault, FaultKind};

/// Fresh random bytes.
#[allow(clippy::disallowed_methods)]
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Fault::new(FaultKind::Crypto, &error))?;
    Ok(bytes)
}

/// How many bytes of identifiers are fetched at once.
const SUPPLY: usize = 1024;

thread_local! {
    /// Random bytes for identifiers, and how many of them were used.
    static IDENTIFIERS: RefCell<(Box<[u8]>, usize)> = RefCell::default();
}

/// Fresh random bytes for an identifier that is no secret. They come from a supply: a call of the platform for each takes a
/// tenth of the time of a token request (workerd, November 2026).
pub(crate) fn random_identifier<const N: usize>() -> Result<[u8; N], Fault> {
    IDENTIFIERS.with_borrow_mut(|(supply, used)| {
        if supply.len() < *used + N {
            (*supply, *used) = (Box::new(random::<SUPPLY>()?), 0);
        }
        let mut bytes = [0; N];
        if let Some(fresh) = supply.get(*used..*used + N) {
            bytes.copy_from_slice(fresh);
        }
        *used += N;
        Ok(bytes)
    })
}
