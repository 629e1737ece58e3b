//! The shape of an answer: objects where the document has objects. The generated
//! types would take lists in their place, the fields in alphabetical order.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

/// Whether the answer and its `meta` are objects. No server was seen to send
/// anything else.
pub(crate) fn has_objects(body: &[u8]) -> bool {
    let lists = memchr::memchr(b'[', body).is_some();
    !lists || serde_json::from_slice::<Answer>(body).is_ok()
}

#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Field {
    Meta,
    #[serde(other)]
    Other,
}

struct Answer;

impl<'de> Deserialize<'de> for Answer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Answer)
    }
}

impl<'de> Visitor<'de> for Answer {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `meta`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        while let Some(field) = map.next_key()? {
            match field {
                Field::Meta => map.next_value::<Object>().map(drop)?,
                Field::Other => map.next_value::<IgnoredAny>().map(drop)?,
            }
        }
        Ok(self)
    }
}

/// An object, whatever its fields are.
struct Object;

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Object)
    }
}

impl<'de> Visitor<'de> for Object {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self, A::Error> {
        IgnoredAny.visit_map(map).map(|_| self)
    }
}
