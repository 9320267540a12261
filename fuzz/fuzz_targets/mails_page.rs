#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    shared::fuzzed::check_mails_page(bytes);
});
