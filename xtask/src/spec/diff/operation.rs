//! Compares the operation as a whole: path, method, id and servers. Calls the other files
//! for its parts.

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::comparison::Comparison;
use super::pair::Pair;
use crate::spec::slice::endpoint::Endpoint;

/// The keys of the document that are compared elsewhere or do not matter.
const DOCUMENT: [&str; 7] =
    ["openapi", "info", "servers", "tags", "paths", "components", "security"];

/// The keys of a path item that are compared elsewhere or do not matter.
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

/// The keys of an operation that are compared elsewhere or do not matter.
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
    /// Compares everything about the operation.
    pub(super) fn documents(&mut self, old: &Endpoint, new: &Endpoint) -> Result<()> {
        let roots = Pair::of(self.old.root(), self.new.root());
        let items = Pair::of(old.item(self.old), new.item(self.new));
        let operations = Pair::of(old.operation(self.old), new.operation(self.new));
        let place = new.to_string();

        self.unknown_keys("the document", roots, &DOCUMENT);
        self.version(roots);
        self.unknown_keys(&place, items, &PATH_ITEM);
        self.unknown_keys(&place, operations, &OPERATION);
        if old.method != new.method {
            let upper = |endpoint: &Endpoint| json!(endpoint.method.to_uppercase());
            self.note("endpoint-method-changed", &place, upper(old), upper(new));
        }
        if old.path != new.path {
            self.note("endpoint-path-changed", &place, json!(old.path), json!(new.path));
        }
        let id = operations.get("operationId");
        if id.old != id.new {
            self.note("endpoint-operation-id-changed", &place, json!(id.old), json!(id.new));
        }
        let deprecated = operations.get("deprecated");
        let is_true = |value: Option<&Value>| value == Some(&Value::Bool(true));
        match (is_true(deprecated.old), is_true(deprecated.new)) {
            (false, true) => self.note("endpoint-deprecated", &place, json!(false), json!(true)),
            (true, false) => self.note("endpoint-reactivated", &place, json!(true), json!(false)),
            _ => {}
        }
        self.servers(&place, [operations, items, roots])?;
        self.security(&place, [operations, roots])?;
        self.parameters(&place, items, operations)?;
        self.request_body(&place, operations.get("requestBody"))?;
        self.responses(&place, operations.get("responses"))
    }

    fn version(&mut self, roots: Pair<'a>) {
        let version = roots.get("openapi");
        let text = |value: Option<&'a Value>| value.and_then(Value::as_str).unwrap_or_default();
        let (old, new) = (text(version.old), text(version.new));
        let line = |version: &str| version.splitn(3, '.').take(2).collect::<Vec<_>>().join(".");
        let known = |version: &str| ["3.0", "3.1"].contains(&line(version).as_str());
        if line(old) != line(new) {
            let id = if known(old) && known(new) { "openapi-version-changed" } else { "unknown" };
            self.note(id, "the document, key `openapi`", json!(old), json!(new));
        }
    }

    /// Compares the servers. Those of the operation count, or else those of its path item,
    /// or else those of the document.
    fn servers(&mut self, place: &str, levels: [Pair<'a>; 3]) -> Result<()> {
        let place = format!("{place}, servers");
        let servers = Pair::first(&levels, "servers");
        let (before, after) = (urls(servers.old)?, urls(servers.new)?);
        let removed: Vec<_> =
            before.iter().filter(|(url, _)| !after.iter().any(|(it, _)| it == url)).collect();
        let added: Vec<_> =
            after.iter().filter(|(url, _)| !before.iter().any(|(it, _)| it == url)).collect();
        if let ([(old, _)], [(new, _)]) = (&removed[..], &added[..]) {
            self.note("server-url-changed", &place, json!(old), json!(new));
        } else {
            for (url, _) in removed {
                self.note("server-removed", &place, json!(url), Value::Null);
            }
            for (url, _) in added {
                self.note("server-added", &place, Value::Null, json!(url));
            }
        }
        for (url, old) in &before {
            if let Some((_, new)) = after.iter().find(|(it, _)| it == url) {
                let known = ["url", "description", "variables"];
                self.unknown_keys(&place, Pair::of(old, new), &known);
            }
        }
        Ok(())
    }
}

/// The URLs with the defaults of their variables, without a slash at the end, and the
/// servers they come from.
fn urls(servers: Option<&Value>) -> Result<Vec<(String, &Value)>> {
    let Some(servers) = servers else {
        return Ok(Vec::new());
    };
    let Some(servers) = servers.as_array() else {
        bail!("`servers` is not a list, but a list of servers is expected");
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
