//! No `Retry-After` panics.
#![no_main]

use figma_payments::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let wait = fuzzing::retry_after(text);
    if let Ok(seconds) = text.trim().parse::<u64>() {
        let plain = !text.trim().starts_with('+');
        assert_eq!(wait.map(|wait| wait.as_secs()), plain.then_some(seconds));
    }
});
