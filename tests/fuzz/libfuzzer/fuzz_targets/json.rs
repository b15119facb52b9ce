#![no_main]
#![allow(dead_code, reason = "one target of all")]

#[path = "../../targets/mod.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::json::check(data));
