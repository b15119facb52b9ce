//! The manual: how to run Edgemint, how it is built, what it stores, how it refuses requests, and which threats it addresses.
//!
//! Tests at the end of this file hold the pages against the code.

#[doc = include_str!("administration.md")]
pub mod administration {}

#[doc = include_str!("architecture.md")]
pub mod architecture {}

#[doc = include_str!("assertions.md")]
pub mod assertions {}

#[doc = include_str!("backup.md")]
pub mod backup {}

#[doc = include_str!("bundlers.md")]
pub mod bundlers {}

#[doc = include_str!("command_line.md")]
pub mod command_line {}

#[doc = include_str!("devices.md")]
pub mod devices {}

#[doc = include_str!("errors.md")]
pub mod errors {}

#[doc = include_str!("events.md")]
pub mod events {}

#[doc = include_str!("keys.md")]
pub mod keys {}

#[doc = include_str!("moving.md")]
pub mod moving {}

#[doc = include_str!("package.md")]
pub mod package {}

#[doc = include_str!("resources.md")]
pub mod resources {}

#[doc = include_str!("revocation.md")]
pub mod revocation {}

#[doc = include_str!("scale.md")]
pub mod scale {}

#[doc = include_str!("settings.md")]
pub mod settings {}

#[doc = include_str!("sign_in.md")]
pub mod sign_in {}

#[doc = include_str!("step_up.md")]
pub mod step_up {}

#[doc = include_str!("storage.md")]
pub mod storage {}

#[doc = include_str!("threats.md")]
pub mod threats {}

#[doc = include_str!("token_exchange.md")]
pub mod token_exchange {}

#[cfg(test)]
mod tests {
    use crate::keyring::schedule::{
        JWKS_MAX_AGE, KV_STALENESS, LEAD, MAX_TOKEN_TTL, REFRESH_AFTER, SPREAD, STALE_LIMIT, TAIL,
    };
    use crate::oauth::Refusal;
    use crate::oauth::vocabulary::compatibility::Item;
    use crate::oauth::vocabulary::event_kind::EventKind;

    const ERRORS: &str = include_str!("errors.md");
    const EVENTS: &str = include_str!("events.md");
    const KEYS: &str = include_str!("keys.md");
    const MOVING: &str = include_str!("moving.md");

    /// errors.md has a row for each refusal, with its status and error code.
    #[test]
    fn errors_page_has_every_refusal() {
        for refusal in Refusal::samples() {
            let reply = refusal.reply();
            let body: serde_json::Value = serde_json::from_str(&reply.body.unwrap()).unwrap();
            let row = format!("| `{}` | {} | `{}` |", refusal.kind(), reply.status, body["error"].as_str().unwrap());
            assert!(ERRORS.contains(&row), "errors.md lacks: {row}");
        }
        let rows = ERRORS.lines().filter(|line| line.starts_with("| `") && line.matches('|').count() == 4).count();
        let mut kinds: Vec<_> = Refusal::samples().iter().map(Refusal::kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(rows, kinds.len(), "errors.md has a row without a refusal");
    }

    /// events.md has a row for each event kind, with its severity, and no other.
    #[test]
    fn events_page_has_every_event_kind() {
        let section = EVENTS.split("| event | severity | what happened |").nth(1).unwrap();
        let rows: Vec<_> = section.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
        assert_eq!(rows.len(), EventKind::ALL.len());
        for (row, event) in rows.iter().zip(EventKind::ALL) {
            let beginning = format!("| `{}` | {} |", event.word(), event.severity().word());
            assert!(row.starts_with(&beginning), "events.md lacks, in its place: {beginning}");
        }
    }

    /// moving.md has a row for each item of COMPATIBILITY with its flag, and no other.
    #[test]
    fn moving_page_has_every_item() {
        let section = MOVING.split("| item | permits | flag of the client |").nth(1).unwrap();
        let rows = section.lines().skip(2).take_while(|line| line.starts_with('|'));
        let mut shown: Vec<_> = rows.map(|row| row.split('|').map(str::trim).collect::<Vec<_>>()).collect();
        shown.sort_unstable();
        assert_eq!(shown.len(), Item::ALL.len());
        for (row, item) in shown.iter().zip(Item::ALL) {
            let flag = item.flag().map(|flag| format!("`\"{}\": {}`", flag.name(), flag.value()));
            assert_eq!((row[1], row[3]), (format!("`{}`", item.name()).as_str(), flag.unwrap_or_default().as_str()));
        }
    }

    /// keys.md has the times of the key schedule.
    #[test]
    fn keys_page_has_the_schedule() {
        for (name, seconds) in [
            ("max-age of the key set", JWKS_MAX_AGE),
            ("an isolate checks for a newer ring", REFRESH_AFTER),
            ("KV may return an old value", KV_STALENESS),
            ("every isolate knows of a change", SPREAD),
            ("a new key waits", LEAD),
            ("a key stays published after it stopped signing", TAIL),
            ("an isolate continues without its store", STALE_LIMIT),
            ("the longest lifetime of a token", MAX_TOKEN_TTL),
        ] {
            let row = format!("| {name} | {seconds} s |");
            assert!(KEYS.contains(&row), "keys.md lacks: {row}");
        }
    }
}
