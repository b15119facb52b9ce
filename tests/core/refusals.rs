//! One test for each fault of a token: what is refused, for which reason, and in which order.

mod claims;
mod format;
mod header;
mod key_confusion;
mod order;
mod signature;
mod times;
