//! A grant: what an account allows a client, from the code to the last refresh token. A pure state machine:
//! [`step`] takes the stored grant, a command and the time, and returns what to store and what to answer.
//!
//! The caller stores the result before it answers. Then each code and each refresh token counts once, however many
//! requests arrive at the same time:
//!
//! - A **code** is redeemed once. A second request with the right verifier is refused (RFC 6749 section 4.1.2): within the
//!   replay window it is a client that retries, and nothing else happens; later it revokes the grant. A request without the
//!   verifier neither spends the code nor revokes the grant.
//! - A **device code** is redeemed once too, by the grant that its user allowed ([`device`]). A second request is refused, and
//!   never revokes the grant: clients poll.
//! - A **refresh token** is a generation of its grant. The current one yields the next. The one before yields *the same*
//!   successor within the replay window, since clients retry and lose responses. Later it is reuse, and revokes this grant
//!   and no other (RFC 9700 section 4.14.2).

pub mod access_token;
pub mod consent;
pub mod device;
pub mod device_code;
pub mod gate;
pub mod handle;
mod lost_resource;
mod narrowing;
mod record;
mod refusal;
mod request;
mod state_machine;
pub mod token_id;

pub use self::lost_resource::LostResource;
pub use self::record::{Grant, Stage};
pub use self::refusal::GrantRefusal;
pub use self::request::{Describe, Described, Expiry, Redeem, RedeemDevice, Refresh, Revoke, TokenGrant};
pub use self::state_machine::{Command, Next, Outcome, Step, step};
pub use crate::oauth::vocabulary::lifetimes::Lifetimes;
pub use crate::oauth::vocabulary::sign_in::{Acr, SignIn};
