//! Comparing the operation as a whole: where it is, what it is called, which
//! servers it is on.

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::comparison::{Comparison, Pair};
use crate::spec::slice::Place;

/// Keys of the document that are compared elsewhere or say nothing about it.
const DOCUMENT: [&str; 7] =
    ["openapi", "info", "servers", "tags", "paths", "components", "security"];

const PATH_ITEM: [&str; 12] = [
    "get",
    "put",
    "post",
    "delete",
    "options",
    "head",
    "patch",
    "trace",
    "summary",
    "description",
    "parameters",
    "servers",
];

const OPERATION: [&str; 11] = [
    "tags",
    "summary",
    "description",
    "externalDocs",
    "operationId",
    "parameters",
    "requestBody",
    "responses",
    "security",
    "servers",
    "deprecated",
];

impl<'a> Comparison<'a> {
    pub(super) fn documents(&mut self, old: &Place, new: &Place) -> Result<()> {
        let roots = (Some(self.old.root()), Some(self.new.root()));
        let items = (Some(old.item(self.old)), Some(new.item(self.new)));
        let operations = (Some(old.operation(self.old)), Some(new.operation(self.new)));
        let place = format!("{} {}", new.method.to_uppercase(), new.path);

        self.unknown_keys("the document", roots, &DOCUMENT);
        self.version(roots);
        self.unknown_keys(&place, items, &PATH_ITEM);
        self.unknown_keys(&place, operations, &OPERATION);
        if old.method != new.method {
            let upper = |place: &Place| json!(place.method.to_uppercase());
            self.note("endpoint-method-changed", &place, upper(old), upper(new));
        }
        if old.path != new.path {
            self.note("endpoint-path-changed", &place, json!(old.path), json!(new.path));
        }
        let [before, after] = both(operations, "operationId");
        if before != after {
            let value = |value: Option<&Value>| json!(value);
            self.note("endpoint-operation-id-changed", &place, value(before), value(after));
        }
        match both(operations, "deprecated").map(|it| it == Some(&Value::Bool(true))) {
            [false, true] => self.note("endpoint-deprecated", &place, json!(false), json!(true)),
            [true, false] => self.note("endpoint-reactivated", &place, json!(true), json!(false)),
            _ => {}
        }
        self.servers(&place, [operations, items, roots])?;
        self.security(&place, [operations, roots])?;
        self.parameters(&place, items, operations)?;
        let [before, after] = both(operations, "requestBody");
        self.request_body(&place, (before, after))?;
        let [before, after] = both(operations, "responses");
        self.responses(&place, (before, after))
    }

    fn version(&mut self, roots: Pair<'a>) {
        let [old, new] =
            both(roots, "openapi").map(|it| it.and_then(Value::as_str).unwrap_or_default());
        let line = |version: &str| version.splitn(3, '.').take(2).collect::<Vec<_>>().join(".");
        let known = |version: &str| ["3.0", "3.1"].contains(&line(version).as_str());
        if line(old) != line(new) {
            let id = if known(old) && known(new) { "openapi-version-changed" } else { "unknown" };
            self.note(id, "the document, key `openapi`", json!(old), json!(new));
        }
    }

    /// The servers of the operation, or else of its path, or else of all.
    fn servers(&mut self, place: &str, levels: [Pair<'a>; 3]) -> Result<()> {
        let place = format!("{place}, servers");
        let [old, new] =
            [0, 1].map(|side| levels.iter().find_map(|level| both(*level, "servers")[side]));
        let (before, after) = (urls(old)?, urls(new)?);
        let gone: Vec<_> =
            before.iter().filter(|(url, _)| !after.iter().any(|(it, _)| it == url)).collect();
        let come: Vec<_> =
            after.iter().filter(|(url, _)| !before.iter().any(|(it, _)| it == url)).collect();
        if let ([(old, _)], [(new, _)]) = (&gone[..], &come[..]) {
            self.note("server-url-changed", &place, json!(old), json!(new));
        } else {
            for (url, _) in gone {
                self.note("server-removed", &place, json!(url), Value::Null);
            }
            for (url, _) in come {
                self.note("server-added", &place, Value::Null, json!(url));
            }
        }
        for (url, old) in &before {
            if let Some((_, new)) = after.iter().find(|(it, _)| it == url) {
                let known = ["url", "description", "variables"];
                self.unknown_keys(&place, (Some(old), Some(new)), &known);
            }
        }
        Ok(())
    }
}

/// A key of both sides.
pub(super) fn both<'a>((old, new): Pair<'a>, key: &str) -> [Option<&'a Value>; 2] {
    [old, new].map(|side| side.and_then(|side| side.get(key)))
}

/// The URLs with their variables filled in, without a slash at the end.
fn urls(servers: Option<&Value>) -> Result<Vec<(String, &Value)>> {
    let Some(servers) = servers else {
        return Ok(Vec::new());
    };
    let Some(servers) = servers.as_array() else {
        bail!("`servers` is not a list; a list of URLs is expected");
    };
    let filled = servers.iter().map(|server| {
        let mut url = server["url"].as_str().unwrap_or_default().to_owned();
        for (name, variable) in server["variables"].as_object().into_iter().flatten() {
            let value = variable["default"].as_str().unwrap_or_default();
            url = url.replace(&format!("{{{name}}}"), value);
        }
        (url.trim_end_matches('/').to_owned(), server)
    });
    Ok(filled.collect())
}
