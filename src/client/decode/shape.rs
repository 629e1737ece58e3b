//! Checks that a response has JSON objects where the document says so. The generated types
//! would also accept arrays, with the fields in alphabetical order.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

/// Whether the body and its `meta` are objects. No server was seen to send anything
/// else, so the check is fast for a body without any `[`.
pub(crate) fn is_object_with_meta_object(body: &[u8]) -> bool {
    let may_have_array = memchr::memchr(b'[', body).is_some();
    !may_have_array || serde_json::from_slice::<ResponseShape>(body).is_ok()
}

#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Field {
    Meta,
    #[serde(other)]
    Other,
}

struct ResponseShape;

impl<'de> Deserialize<'de> for ResponseShape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ResponseShape)
    }
}

impl<'de> Visitor<'de> for ResponseShape {
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

/// A JSON object with any fields.
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
