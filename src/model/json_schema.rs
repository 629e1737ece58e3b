//! JSON schemas of the hand-written types, as the corrected document describes them
//! (feature `schemars`).

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::ids::{CommunityFileId, PluginId, UserId, WidgetId};
use super::payment::{DateOfPurchase, PaymentStatus};
use super::resource::ResourceType;

macro_rules! schema {
    ($($name:ident),+: $schema:tt) => {$(
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )+};
}

schema!(PaymentStatus: {
    "anyOf": [
        { "type": "string", "enum": PaymentStatus::KNOWN },
        { "type": "object", "properties": {
            "type": { "type": "string", "enum": PaymentStatus::KNOWN },
            "status": { "type": "string", "enum": PaymentStatus::KNOWN },
        } },
    ],
});
schema!(ResourceType: { "type": "string", "enum": ResourceType::KNOWN });
schema!(DateOfPurchase: { "type": "string", "format": "date-time" });
schema!(UserId, PluginId, WidgetId, CommunityFileId: { "type": "string", "pattern": "^[0-9]{1,20}$" });
