//! The numbers that the capacity and the running costs of a deployment follow from.
//!
//! `.scripts/constants.mjs` reads this file for `npm run scale` and the benchmarks, so names here are an interface: a number is renamed
//! here and there. Everything else about them is decided where they are used.

/// The lifetime of an authorization code, seconds: enough for one redirect on a slow connection (RFC 6749 section 4.1.2 allows ten
/// minutes).
pub const CODE_TTL: u64 = 60;
/// The lifetime of a device code and its user code, seconds: the most that RFC 8628 section 6.1 suggests for so short a user code.
pub const DEVICE_CODE_TTL: u64 = 900;
/// How long a device waits between two polls, seconds (RFC 8628 section 3.2).
pub const DEVICE_INTERVAL: u64 = 5;
/// How much the interval grows by a poll that comes too early, seconds (RFC 8628 section 3.5).
pub const DEVICE_INTERVAL_STEP: u64 = 5;
/// The longest interval that is stored, seconds: each step is a row.
pub const DEVICE_INTERVAL_MOST: u64 = 60;
/// How long a verifier may keep the key set: the `max-age` of the JWKS response, seconds.
pub const JWKS_MAX_AGE: u64 = 300;
/// The longest lifetime of an access token, by the settings or by a registered resource, seconds.
pub const MAX_TOKEN_TTL: u64 = 24 * 3600;
/// The age at which an isolate looks for a newer ring of keys or a newer catalogue, seconds.
pub const REFRESH_AFTER: u64 = 60;
/// How long an isolate keeps a client in memory, seconds: a change is visible everywhere after it and KV's own minute.
pub const CLIENT_MEMORY: u64 = 60;

/// The number of entries of a status list.
pub const LIST_SIZE: u32 = 1 << 17;
/// How long a verifier may cache a status list (the claim `ttl`), seconds.
pub const STATUS_TTL: u64 = 20;
/// The age at which an isolate looks for a newer copy of a status list that it serves, seconds. While one request looks, others serve
/// the old copy, for as long again.
pub const STATUS_REFRESH: u64 = 5;
/// Status lists that are signed within one such span have the same times, so an unchanged list is not downloaded twice, seconds.
pub const STATUS_SPAN: u64 = 120;
/// The maximum number of status lists that an isolate keeps in memory.
pub const KEPT_LISTS: usize = 512;
/// The maximum number of status lists that one turn notifies: the platform bounds the calls of a turn, on the smallest plan to 50.
pub const LISTS_A_TURN: usize = 40;

/// How long an isolate may use the entries of a batch, seconds.
pub const BATCH_TTL: u64 = 3600;
/// The time before the end of a batch from which on its entries are not used, seconds: clocks differ.
pub const BATCH_MARGIN: u64 = 300;
/// The size of an isolate's first batch of entries: many isolates live briefly. Each later one is twice as large.
pub const FIRST_BATCH: u32 = 16;
/// The maximum number of entries in a batch.
pub const MAX_BATCH: u32 = 1024;
/// The time between the last token that can name an entry and the next one, seconds: longer than any verifier keeps a list.
pub const ENTRY_REST: u64 = 24 * 3600;

/// The maximum number of account objects that one administrative request calls: the platform allows a thousand calls a request.
pub const ACCOUNTS_A_REQUEST: u64 = 500;
