//! Grants: codes and refresh tokens, case by case, and in random histories.

mod code;
mod device;
mod ending;
mod held;
mod refresh;
mod rights;
mod simulation;
pub(crate) mod words;
