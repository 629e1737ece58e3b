//! The keys that each kind of object may have. Any other key is refused, because it is
//! not known whether the bindings stay correct without it.

use serde_json::Value;

use crate::operation::METHOD_KEY;

/// The keys that one kind of object may have.
pub(super) struct AllowedKeys {
    /// The kind of object, for messages: "an operation".
    pub(super) of: &'static str,
    keys: &'static [&'static str],
}

impl AllowedKeys {
    pub(super) fn allows(&self, key: &str, value: &Value) -> bool {
        key.starts_with("x-") || self.keys.contains(&key) || is_empty(value)
    }

    /// What to do about a key that is not allowed.
    pub(super) fn hint(&self, key: &str) -> &'static str {
        let hint = HINTS.iter().find(|(name, _)| *name == key);
        hint.map_or("remove it, or teach the lowering what it means", |(_, hint)| hint)
    }
}

/// An empty value such as `webhooks: {}` has no meaning that could be lost.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.is_empty(),
        _ => value.is_null(),
    }
}

const HINTS: &[(&str, &str)] = &[
    ("webhooks", "the client cannot receive webhooks; remove them"),
    ("pathItems", "move the path item to `paths`"),
    ("prefixItems", "use `items` with one schema"),
    ("patternProperties", "use `additionalProperties`"),
    ("pattern", "the client does not check patterns; remove it"),
    ("not", "describe the allowed values instead"),
    ("discriminator", "use `oneOf` with a `const` in each schema"),
    ("content", "use `schema`"),
    ("requestBody", "a GET request has no body; remove it"),
];

pub(super) const DOCUMENT: AllowedKeys = AllowedKeys {
    of: "an OpenAPI document",
    keys: &[
        "openapi",
        "info",
        "servers",
        "paths",
        "components",
        "tags",
        "externalDocs",
        "security",
    ],
};

/// Components that the operation does not refer to are left out.
pub(super) const COMPONENTS: AllowedKeys = AllowedKeys {
    of: "the components",
    keys: &[
        "schemas",
        "responses",
        "parameters",
        "examples",
        "requestBodies",
        "headers",
        "securitySchemes",
        "links",
        "callbacks",
    ],
};

pub(super) const PATH_ITEM: AllowedKeys =
    AllowedKeys { of: "a path item", keys: &[METHOD_KEY, "summary", "description"] };

pub(super) const OPERATION: AllowedKeys = AllowedKeys {
    of: "an operation",
    keys: &[
        "tags",
        "summary",
        "description",
        "externalDocs",
        "operationId",
        "parameters",
        "responses",
        "security",
        "deprecated",
    ],
};

pub(super) const PARAMETER: AllowedKeys = AllowedKeys {
    of: "a parameter",
    keys: &[
        "name",
        "in",
        "description",
        "required",
        "schema",
        "example",
        "examples",
        "deprecated",
        "style",
        "explode",
    ],
};

/// `headers` is left out: the client reads the response headers it needs, documented or
/// not.
pub(super) const RESPONSE: AllowedKeys =
    AllowedKeys { of: "a response", keys: &["description", "content", "headers"] };

pub(super) const MEDIA_TYPE: AllowedKeys =
    AllowedKeys { of: "a media type", keys: &["schema", "example", "examples"] };

pub(super) const SCHEMA: AllowedKeys = AllowedKeys {
    of: "a schema",
    keys: &[
        // Kept or converted.
        "$ref",
        "type",
        "nullable",
        "enum",
        "const",
        "format",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "allOf",
        "anyOf",
        "oneOf",
        "description",
        "default",
        // Left out: they do not change what is sent or received.
        "title",
        "example",
        "examples",
        "deprecated",
        "readOnly",
        "writeOnly",
        "externalDocs",
        "$comment",
    ],
};
