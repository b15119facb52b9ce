//! Grants: what becomes of codes and refresh tokens, case by case, and in histories that nobody thought of.

mod code;
mod ending;
mod held;
mod refresh;
mod rights;
mod simulation;
mod words;
