//! No manifest panics, and what is accepted is a resource with the id in it.
#![no_main]

use figma_payments::Resource;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|manifest: &str| {
    if let Ok(resource) = Resource::from_manifest(manifest) {
        let id = resource.id();
        assert!((1..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit()));
    }
});
