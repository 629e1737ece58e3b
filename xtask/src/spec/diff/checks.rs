//! Every kind of change that is recognized, with two verdicts:
//!
//! - *wire*: whether a released binary that follows the document would fail or
//!   misbehave.
//! - *api*: whether the generated public Rust API would break its users' code. By Rust's
//!   rules a new public field of a struct breaks code that constructs it, and a new
//!   variant of an enum breaks code that matches on it. A method keeps working if its
//!   arguments keep their names and types.

use super::report::Level;

const B: Level = Level::Breaking;
const C: Level = Level::Compatible;

/// A kind of change.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// Its id, in the style of oasdiff. It does not change.
    pub id: &'static str,
    /// Whether a released binary breaks.
    pub wire: Level,
    /// Whether the Rust API breaks.
    pub api: Level,
    /// The text of the report, with `{old}` and `{new}` for the values.
    pub message: &'static str,
}

/// A change that is not recognized counts as breaking.
pub(super) const UNKNOWN: Check = Check {
    id: "unknown",
    wire: B,
    api: B,
    message: "something changed that this tool does not recognize, from {old} to {new}",
};

const fn check(id: &'static str, wire: Level, api: Level, message: &'static str) -> Check {
    Check { id, wire, api, message }
}

/// Changes outside of schemas.
#[rustfmt::skip]
const CHECKS: &[Check] = &[
    check("endpoint-deprecated", C, C, "the operation is deprecated"),
    check("endpoint-reactivated", C, C, "the operation is no longer deprecated"),
    check("endpoint-method-changed", B, C, "the method went from {old} to {new}"),
    check("endpoint-operation-id-changed", C, B, "the operation id, which names the method, went from {old} to {new}"),
    check("endpoint-path-changed", B, C, "the path went from {old} to {new}"),
    check("openapi-version-changed", C, C, "the version of OpenAPI went from {old} to {new}"),

    check("server-added", C, C, "the server {new} was added"),
    check("server-removed", B, C, "the server {old} was removed"),
    check("server-url-changed", B, C, "the server's URL went from {old} to {new}"),

    check("security-added", B, C, "the operation asks for {new}, where it asked for nothing"),
    check("security-removed", C, C, "the operation asks for nothing, where it asked for {old}"),
    check("security-alternative-added", C, C, "{new} is accepted too"),
    check("security-alternative-removed", B, C, "{old} is no longer accepted"),
    check("security-scheme-type-changed", B, C, "the authentication went from {old} to {new}"),
    check("security-scheme-name-changed", B, C, "the credential's name went from {old} to {new}"),
    check("security-scheme-place-changed", B, C, "the credential's place went from {old} to {new}"),
    check("security-scheme-changed", B, C, "the authentication went from {old} to {new}"),
    check("security-scope-added", B, C, "the scope {new} is asked for"),
    check("security-scope-removed", C, C, "the scope {old} is no longer asked for"),

    check("new-required-request-parameter", B, B, "it was added and is required"),
    check("new-optional-request-parameter", C, C, "it was added and is optional"),
    check("request-parameter-removed", B, B, "it was removed"),
    check("request-parameter-place-changed", B, C, "its place went from {old} to {new}"),
    check("request-parameter-style-changed", B, C, "the way it is written went from {old} to {new}"),
    check("request-parameter-empty-value-allowed", C, C, "it may be empty"),
    check("request-parameter-empty-value-forbidden", B, C, "it may no longer be empty"),

    check("new-required-request-body", B, B, "a body was added and is required"),
    check("new-optional-request-body", C, C, "a body was added and is optional"),
    check("request-body-removed", B, B, "the body was removed"),
    check("request-media-type-added", C, C, "the media type {new} was added"),
    check("request-media-type-removed", B, B, "the media type {old} was removed"),

    check("response-success-status-added", B, B, "the answer was added"),
    check("response-success-status-removed", B, B, "the answer was removed"),
    // A client has to expect errors that are not documented anyway: a proxy on the way
    // can answer with any status.
    check("response-non-success-status-added", C, C, "the answer was added"),
    check("response-non-success-status-removed", C, C, "the answer was removed"),
    check("response-media-type-added", C, C, "the media type {new} was added"),
    check("response-media-type-removed", B, B, "the media type {old} was removed"),
    check("required-response-header-added", C, C, "it was added"),
    check("optional-response-header-added", C, C, "it was added"),
    // A client that reads the header does not get it any more.
    check("required-response-header-removed", B, C, "it was removed"),
    check("optional-response-header-removed", B, C, "it was removed"),

    check("new-required-request-property", B, B, "it was added and is required"),
    check("new-optional-request-property", C, B, "it was added and is optional"),
    check("request-property-removed", B, B, "it was removed"),
    check("response-required-property-added", C, B, "it was added"),
    check("response-optional-property-added", C, B, "it was added"),
    check("response-property-added-to-closed-object", B, B, "it was added to an object that could have no more properties"),
    check("response-required-property-removed", B, B, "it was removed"),
    check("response-optional-property-removed", B, B, "it was removed"),
];

/// A kind of change inside a schema. Its full id starts with the [`Subject`]. Its
/// verdicts (wire, api) differ between requests, which the client writes, and responses,
/// which it reads.
struct SchemaCheck {
    suffix: &'static str,
    request: (Level, Level),
    response: (Level, Level),
    message: &'static str,
}

const fn schema(
    suffix: &'static str,
    request: (Level, Level),
    response: (Level, Level),
    message: &'static str,
) -> SchemaCheck {
    SchemaCheck { suffix, request, response, message }
}

/// A stricter schema breaks requests; a less strict one breaks responses.
#[rustfmt::skip]
const SCHEMA_CHECKS: &[SchemaCheck] = &[
    schema("type-changed",      (B, B), (B, B), "the type went from {old} to {new}"),
    schema("type-generalized",  (C, B), (B, B), "the type went from {old} to the wider {new}"),
    schema("type-specialized",  (B, B), (C, B), "the type went from {old} to the narrower {new}"),
    schema("became-nullable",   (C, B), (B, B), "it may be null"),
    schema("became-not-nullable", (B, B), (C, B), "it may no longer be null"),
    schema("became-required",   (B, B), (C, B), "it became required"),
    schema("became-optional",   (C, B), (B, B), "it became optional"),
    schema("format-added",      (B, B), (C, B), "the format {new} was added"),
    schema("format-removed",    (C, B), (B, B), "the format {old} was removed"),
    schema("format-changed",    (B, B), (B, B), "the format went from {old} to {new}"),
    schema("pattern-added",     (B, B), (C, B), "the pattern {new} was added"),
    schema("pattern-removed",   (C, B), (B, B), "the pattern {old} was removed"),
    schema("pattern-changed",   (B, B), (B, B), "the pattern went from {old} to {new}"),
    schema("bound-tightened",   (B, B), (C, B), "a bound was tightened, from {old} to {new}"),
    schema("bound-relaxed",     (C, B), (B, B), "a bound was relaxed, from {old} to {new}"),
    schema("enum-value-added",  (C, B), (B, B), "the value {new} was added"),
    schema("enum-value-removed", (B, B), (C, B), "the value {old} was removed"),
    schema("became-enum",       (B, B), (C, B), "only the values {new} are left"),
    schema("became-not-enum",   (C, B), (B, B), "it is no longer limited to the values {old}"),
    // Where a value is left out, the default counts.
    schema("default-value-changed", (B, B), (B, B), "the default went from {old} to {new}"),
    schema("alternative-added", (C, B), (B, B), "the alternative {new} was added"),
    schema("alternative-removed", (B, B), (C, B), "the alternative {old} was removed"),
    schema("composition-changed", (B, B), (B, B), "the way it is put together went from {old} to {new}"),
    schema("additional-properties-allowed", (C, B), (B, B), "other properties are allowed"),
    schema("additional-properties-forbidden", (B, B), (C, B), "other properties are forbidden"),
    schema("read-only-changed", (B, C), (B, C), "read-only went from {old} to {new}"),
    schema("write-only-changed", (B, C), (B, C), "write-only went from {old} to {new}"),
    schema("deprecated",        (C, C), (C, C), "it is deprecated"),
    schema("reactivated",       (C, C), (C, C), "it is no longer deprecated"),
];

/// What a schema describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    RequestParameter,
    RequestBody,
    RequestProperty,
    ResponseBody,
    ResponseHeader,
    ResponseProperty,
}

impl Subject {
    const ALL: [(Subject, &'static str); 6] = [
        (Subject::RequestParameter, "request-parameter"),
        (Subject::RequestBody, "request-body"),
        (Subject::RequestProperty, "request-property"),
        (Subject::ResponseBody, "response-body"),
        (Subject::ResponseHeader, "response-header"),
        (Subject::ResponseProperty, "response-property"),
    ];

    pub(super) fn is_request(self) -> bool {
        matches!(self, Subject::RequestParameter | Subject::RequestBody | Subject::RequestProperty)
    }

    /// The subject of the schemas inside.
    pub(super) fn inner(self) -> Self {
        match self.is_request() {
            true => Subject::RequestProperty,
            false => Subject::ResponseProperty,
        }
    }

    fn prefix(self) -> &'static str {
        let found = Self::ALL.iter().find(|(subject, _)| *subject == self);
        found.map_or("", |(_, prefix)| prefix)
    }

    /// The full id and the check of a change inside a schema of this subject.
    pub(super) fn check(self, suffix: &str) -> (String, Check) {
        let row = SCHEMA_CHECKS.iter().find(|row| row.suffix == suffix);
        let Some(row) = row else {
            return (UNKNOWN.id.to_owned(), UNKNOWN);
        };
        let (wire, api) = match self {
            _ if self.is_request() => row.request,
            // No type is generated for a header.
            Subject::ResponseHeader => (row.response.0, C),
            _ => row.response,
        };
        let check = Check { id: row.suffix, wire, api, message: row.message };
        (format!("{}-{suffix}", self.prefix()), check)
    }
}

/// The check with this id; the unknown change if there is none.
pub(super) fn plain(id: &str) -> Check {
    let found = CHECKS.iter().find(|check| check.id == id);
    found.copied().unwrap_or(UNKNOWN)
}

/// Every id that a change can have.
pub fn ids() -> impl Iterator<Item = String> {
    let plain = CHECKS.iter().map(|check| check.id.to_owned());
    let inside = Subject::ALL.iter().flat_map(|(_, prefix)| {
        let rows = SCHEMA_CHECKS.iter();
        rows.map(move |row| format!("{prefix}-{}", row.suffix))
    });
    plain.chain(inside).chain([UNKNOWN.id.to_owned()])
}
