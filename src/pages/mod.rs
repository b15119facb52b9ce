//! The HTML pages: each is a value that renders itself as a document. Pure: no async, no storage.
//!
//! A page takes what it shows and the [`Words`] of a language, and gives a document that works without JavaScript.
//! It is sent with the [`headers`] of a page: no foreign resources, no inline script, no inline style.
//! Foreign texts are escaped, shortened, and kept from reordering the text around them.

mod account;
mod account_lists;
mod browser;
mod consent;
mod device;
mod form_post;
mod headers;
mod layout;
mod logout;
mod placeholder;
mod problem;
mod sign_in;
mod sign_up;
mod text;
mod words;

#[cfg(test)]
mod tests;

pub use account::{Account, AccountError, Done, Ticked};
pub use account_lists::{ApplicationRow, GrantRow, PasskeyRow, SessionRow};
pub use browser::browser_label;
pub use consent::Consent;
pub use device::{DeviceCodeError, DeviceConsent, DeviceDecided, EnterDeviceCode};
pub use form_post::FormPost;
pub use headers::headers;
pub use logout::{LogoutQuestion, SignedOut};
pub use problem::{ErrorPage, Problem};
pub use sign_in::{PasskeyOnly, SignIn, SignInError};
pub use sign_up::{SignUp, SignUpError};
pub use words::Words;
