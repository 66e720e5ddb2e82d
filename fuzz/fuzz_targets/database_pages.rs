#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lentera_fuzz::engine::database_pages(bytes));
