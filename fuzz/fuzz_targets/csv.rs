#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lentera_fuzz::server::csv(bytes));
