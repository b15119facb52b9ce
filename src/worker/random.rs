//! The source of chance: the only place that draws from it. Never at global scope, where workerd forbids it.

use super::report::{Fault, FaultKind};

/// Fresh random bytes.
#[allow(clippy::disallowed_methods)]
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Fault::new(FaultKind::Crypto, &error))?;
    Ok(bytes)
}
