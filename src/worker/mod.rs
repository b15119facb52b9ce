//! The Worker: the only room that waits. It loads what a decision needs, asks `oauth` to decide, and commits.

mod audit;
mod body;
mod browser;
mod clock;
mod compare_and_swap;
mod crypto;
mod endpoints;
mod entry;
mod env;
mod event_delivery;
mod fetch;
mod http;
mod jobs;
mod kv;
mod latest;
mod objects;
mod random;
mod report;
mod ring;
mod rotate_cron;
mod router;
mod services;
mod status;
mod tasks;
