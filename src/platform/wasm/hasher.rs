//! Hashes with a random key. `RandomState` has the same key everywhere on wasm.

use std::hash::{BuildHasher, DefaultHasher, Hasher};
use std::sync::OnceLock;

use wasm_bindgen::JsCast;
use web_sys::WorkerGlobalScope;

/// The key is drawn for the first hash: Cloudflare Workers have random numbers only while
/// they handle a request.
#[derive(Default)]
pub(crate) struct KeyedHasher {
    key: OnceLock<[u8; 32]>,
}

impl BuildHasher for KeyedHasher {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        let mut hasher = DefaultHasher::new();
        hasher.write(self.key.get_or_init(random_key));
        hasher
    }
}

fn random_key() -> [u8; 32] {
    let mut key = [0; 32];
    // Not every host has this type, but every host has a global `crypto`.
    let host: WorkerGlobalScope = js_sys::global().unchecked_into();
    let crypto = host.crypto().expect("the host has `crypto`");
    crypto.get_random_values_with_u8_array(&mut key).expect("the host has random numbers");
    key
}
