//! Schemas of the types that are written by hand, as the corrected document
//! describes them (feature `schemars`).

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::model::payment::{DateOfPurchase, PaymentStatus};
use crate::model::resource::ResourceType;

macro_rules! schema {
    ($name:ident, $schema:tt) => {
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

schema!(PaymentStatus, {
    "anyOf": [
        { "type": "string", "enum": ["UNPAID", "PAID", "TRIAL", "NOT_SUPPORTED"] },
        { "type": "object", "properties": {
            "type": { "type": "string", "enum": ["UNPAID", "PAID", "TRIAL", "NOT_SUPPORTED"] },
            "status": { "type": "string", "enum": ["UNPAID", "PAID", "TRIAL", "NOT_SUPPORTED"] },
        } },
    ],
});
schema!(ResourceType, { "type": "string", "enum": ["PLUGIN", "WIDGET", "COMMUNITY_FILE"] });
schema!(DateOfPurchase, { "type": "string", "format": "date-time" });
