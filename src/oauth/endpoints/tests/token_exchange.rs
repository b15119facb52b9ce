//! Token exchange.
