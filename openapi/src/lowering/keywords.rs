//! Which keys each kind of object may have. A key that is not known is refused,
//! because nobody has looked at what dropping it would lose.

use serde_json::Value;

/// The known keys of one kind of object.
pub(super) struct Rule {
    /// What the object is, for messages: "an operation".
    pub(super) what: &'static str,
    known: &'static [&'static str],
}

impl Rule {
    pub(super) fn knows(&self, key: &str, value: &Value) -> bool {
        key.starts_with("x-") || self.known.contains(&key) || says_nothing(value)
    }

    pub(super) fn hint(&self, key: &str) -> &'static str {
        let hint = HINTS.iter().find(|(name, _)| *name == key);
        hint.map_or("leave it out, or teach the lowering what it means", |(_, hint)| hint)
    }
}

/// An empty `webhooks: {}` or `callbacks: {}` asks for nothing.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.is_empty(),
        _ => value.is_null(),
    }
}

const HINTS: &[(&str, &str)] = &[
    ("webhooks", "the client receives nothing; leave them out"),
    ("pathItems", "write the path item out under `paths`"),
    ("prefixItems", "use `items` with one schema"),
    ("patternProperties", "use `additionalProperties`"),
    ("pattern", "the client does not check patterns; leave it out"),
    ("not", "say what is allowed instead"),
    ("discriminator", "use `oneOf` with a `const` in each schema"),
    ("content", "use `schema`"),
    ("requestBody", "a GET has none"),
];

pub(super) const DOCUMENT: Rule = Rule {
    what: "an OpenAPI document",
    known: &[
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

/// Of these, what the operation does not reach is left out.
pub(super) const COMPONENTS: Rule = Rule {
    what: "the components",
    known: &[
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

pub(super) const PATH_ITEM: Rule =
    Rule { what: "a path with the one operation `get`", known: &["get", "summary", "description"] };

pub(super) const OPERATION: Rule = Rule {
    what: "an operation",
    known: &[
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

pub(super) const PARAMETER: Rule = Rule {
    what: "a parameter",
    known: &[
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

/// Headers of an answer are read by the client whether documented or not.
pub(super) const RESPONSE: Rule =
    Rule { what: "a response", known: &["description", "content", "headers"] };

pub(super) const MEDIA_TYPE: Rule =
    Rule { what: "a media type", known: &["schema", "example", "examples"] };

pub(super) const SCHEMA: Rule = Rule {
    what: "a schema",
    known: &[
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
        // Left out: they say nothing about the wire.
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
