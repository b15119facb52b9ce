//! The manual: how Edgemint is built, what it stores, how it refuses, what it defends against, how to run it.
//!
//! Tests at the end of this file hold the pages against the code.

#[doc = include_str!("architecture.md")]
pub mod architecture {}

#[doc = include_str!("bundlers.md")]
pub mod bundlers {}

#[doc = include_str!("errors.md")]
pub mod errors {}

#[doc = include_str!("operations.md")]
pub mod operations {}

#[doc = include_str!("package.md")]
pub mod package {}

#[doc = include_str!("storage.md")]
pub mod storage {}

#[doc = include_str!("threats.md")]
pub mod threats {}

#[cfg(test)]
mod tests {
    use crate::keyring::schedule::{
        JWKS_MAX_AGE, KV_STALENESS, LEAD, MAX_TOKEN_TTL, REFRESH_AFTER, SPREAD, STALE_LIMIT, TAIL,
    };
    use crate::oauth::Refusal;
    use crate::oauth::event::Happening;

    const ERRORS: &str = include_str!("errors.md");
    const OPERATIONS: &str = include_str!("operations.md");

    /// Every refusal stands in the table of the page with the status and the error code that it really has.
    #[test]
    fn the_page_of_errors_lists_every_refusal() {
        for refusal in Refusal::samples() {
            let reply = refusal.reply();
            let body: serde_json::Value = serde_json::from_str(&reply.body.unwrap()).unwrap();
            let row = format!("| `{}` | {} | `{}` |", refusal.kind(), reply.status, body["error"].as_str().unwrap());
            assert!(ERRORS.contains(&row), "errors.md lacks: {row}");
        }
        let rows = ERRORS.lines().filter(|line| line.starts_with("| `") && line.matches('|').count() == 4).count();
        let mut kinds: Vec<_> = Refusal::samples().iter().map(Refusal::kind).collect();
        kinds.dedup();
        assert_eq!(rows, kinds.len(), "errors.md lists a refusal that is none");
    }

    /// Every event stands in the table of the page with its severity, and no other does.
    #[test]
    fn the_page_for_operators_lists_every_event() {
        let section = OPERATIONS.split("| event | severity | what happened |").nth(1).unwrap();
        let rows: Vec<_> = section.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
        assert_eq!(rows.len(), Happening::ALL.len());
        for (row, event) in rows.iter().zip(Happening::ALL) {
            let beginning = format!("| `{}` | {} |", event.word(), event.severity().word());
            assert!(row.starts_with(&beginning), "operations.md lacks, in its place: {beginning}");
        }
    }

    /// The times of the key schedule that the page for operators names are the ones in force.
    #[test]
    fn the_page_for_operators_has_the_schedule() {
        for (name, seconds) in [
            ("max-age of the key set", JWKS_MAX_AGE),
            ("an isolate looks for a newer ring", REFRESH_AFTER),
            ("KV may answer with an old value", KV_STALENESS),
            ("every isolate has heard of a change", SPREAD),
            ("a new key waits", LEAD),
            ("a key stays published when it has stopped", TAIL),
            ("an isolate goes on without its store", STALE_LIMIT),
            ("the longest lifetime of a token", MAX_TOKEN_TTL),
        ] {
            let row = format!("| {name} | {seconds} s |");
            assert!(OPERATIONS.contains(&row), "operations.md lacks: {row}");
        }
    }
}
