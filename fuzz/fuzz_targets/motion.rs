#![no_main]

#[path = "../bodies.rs"]
#[allow(dead_code)] // each target has its own
mod bodies;

libfuzzer_sys::fuzz_target!(|input: &[u8]| bodies::motion(input));
