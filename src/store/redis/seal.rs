//! What protects answers from somebody who can write to Redis (`RedisStoreBuilder::sealed`):
//! names of keys are keyed hashes, and values are encrypted and authenticated for their key.

use std::fmt;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

use super::hash::keyed_hash;

/// The shortest secret: as many bytes as the keys that are made of it.
pub(super) const SHORTEST: usize = 32;

/// The keys that are made of the secret.
#[derive(Clone)]
pub(super) struct Secret {
    names: hmac::Key,
    tokens: hmac::Key,
    values: LessSafeKey,
}

impl Secret {
    pub(super) fn new(secret: &[u8]) -> Self {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let derive = |purpose: &str| hmac::sign(&secret, purpose.as_bytes());
        let key = |purpose| hmac::Key::new(hmac::HMAC_SHA256, derive(purpose).as_ref());
        let values = UnboundKey::new(&AES_256_GCM, derive("figma-payments: values").as_ref());
        Secret {
            names: key("figma-payments: names"),
            tokens: key("figma-payments: tokens"),
            values: LessSafeKey::new(values.expect("an HMAC has the length of the key")),
        }
    }

    pub(super) fn name(&self, kind: &str, name: &str) -> String {
        keyed_hash(&self.names, &[kind, name])
    }

    pub(super) fn token_key(&self) -> hmac::Key {
        self.tokens.clone()
    }

    /// Encrypts a value for this place. Nonces are random: at Figma's limits it takes years
    /// until two of a key could be the same.
    pub(super) fn seal(&self, place: &str, value: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).expect("the system has random numbers");
        let mut sealed = value.to_vec();
        let (aad, random) = (Aad::from(place), Nonce::assume_unique_for_key(nonce));
        self.values
            .seal_in_place_append_tag(random, aad, &mut sealed)
            .expect("a value is short enough");
        [&nonce[..], &sealed].concat()
    }

    /// The value, if it was sealed with this secret and for this place.
    pub(super) fn open(&self, place: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut value = sealed.to_vec();
        let length = self.values.open_in_place(nonce, Aad::from(place), &mut value).ok()?.len();
        value.truncate(length);
        Some(value)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
