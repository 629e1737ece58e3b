//! No URL panics, and what is accepted is a resource with an id.
#![no_main]

use figma_payments::Resource;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|url: &str| {
    if let Ok(resource) = Resource::from_community_url(url) {
        let id = resource.id();
        assert!((1..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit()));
        assert!(url.contains(id));
    }
});
