//! One test for each way a token can be wrong: what is refused, for which reason, and in which order.

mod claims;
mod format;
mod header;
mod key_confusion;
mod order;
mod signature;
mod times;
