//! Reads the table of mutations and applies them.

use figma_payments_openapi::Document;
use figma_payments_openapi::operation::POINTER;
use serde_json::{Map, Value, json};
use xtask::spec::diff::report::Level;

/// One row of the table, applied.
pub struct Mutation {
    pub what: String,
    pub base: Value,
    pub root: Value,
    pub is: Vec<Expected>,
    pub back: Vec<Expected>,
    /// Why this tool is right if the second opinion differs.
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expected {
    pub id: String,
    pub wire: Level,
    pub api: Level,
}

pub const BASE: &str = include_str!("../fixtures/base.yml");

fn base() -> Value {
    Document::parse("base.yml", BASE).unwrap().root().clone()
}

pub fn all() -> Vec<Mutation> {
    // The table is a list, which `Document::parse` does not read.
    let table: Vec<Value> = yaml_serde::from_str(include_str!("../mutations.yml")).unwrap();
    table.iter().map(apply).collect()
}

const SHORT: [(&str, &str); 7] = [
    ("OP", POINTER),
    ("PARAM", "/paths/~1v1~1payments/get/parameters"),
    ("RES", "/components/responses"),
    ("OK", "/components/responses/GetPaymentsResponse/content/application~1json/schema"),
    ("INFO", "/components/schemas/PaymentInformation/properties"),
    ("ERR", "/components/schemas/ErrorResponsePayload/properties"),
    ("SEC", "/components/securitySchemes/PersonalAccessToken"),
];

fn long(pointer: &str) -> String {
    let (first, rest) = pointer.split_once('/').unwrap_or((pointer, ""));
    match SHORT.iter().find(|(short, _)| *short == first) {
        Some((_, long)) if rest.is_empty() => (*long).to_owned(),
        Some((_, long)) => format!("{long}/{rest}"),
        None => pointer.to_owned(),
    }
}

fn apply(row: &Value) -> Mutation {
    let what = row["what"].as_str().unwrap().to_owned();
    let mut base = base();
    for (at, value) in row["given"].as_object().into_iter().flatten() {
        set(&mut base, &long(at), value.clone());
    }
    let mut root = base.clone();
    for (key, value) in row.as_object().unwrap() {
        let members = value.as_object().into_iter().flatten();
        match key.as_str() {
            "what" | "given" | "is" | "back" | "why" => {}
            "set" => members.for_each(|(at, value)| set(&mut root, &long(at), value.clone())),
            "add" => members.for_each(|(at, value)| {
                let list = root.pointer_mut(&long(at)).and_then(Value::as_array_mut);
                list.unwrap_or_else(|| panic!("{at}")).push(value.clone());
            }),
            "rename" => members.for_each(|(at, name)| rename(&mut root, &long(at), name)),
            "remove" => drop(take(&mut root, &long(value.as_str().unwrap()))),
            "reverse" => reverse(root.pointer_mut(&long(value.as_str().unwrap())).unwrap()),
            "inline" => {
                let at = long(value.as_str().unwrap());
                let target = root.pointer(&at).unwrap()["$ref"].as_str().unwrap()[1..].to_owned();
                let value = root.pointer(&target).unwrap().clone();
                set(&mut root, &at, value);
            }
            "extract" => {
                let (at, name) = (long(value[0].as_str().unwrap()), value[1].as_str().unwrap());
                let section = value[2].as_str().unwrap_or("schemas");
                let place = format!("/components/{section}/{name}");
                let value = root.pointer(&at).unwrap().clone();
                set(&mut root, &place, value);
                set(&mut root, &at, json!({ "$ref": format!("#{place}") }));
            }
            other => panic!("{what}: {other}"),
        }
    }
    let why = row["why"].as_str().unwrap_or_default().to_owned();
    Mutation { is: expected(&row["is"]), back: expected(&row["back"]), what, base, root, why }
}

fn expected(value: &Value) -> Vec<Expected> {
    let list = match value {
        Value::Array(list) => list.clone(),
        one => vec![one.clone()],
    };
    let read = list.iter().map(|it| it.as_str().unwrap()).filter(|it| *it != "none");
    let mut expected: Vec<_> = read
        .map(|it| {
            let words: Vec<_> = it.split(' ').collect();
            let level = |word: &str| match word {
                "B" => Level::Breaking,
                "C" => Level::Compatible,
                _ => panic!("{it}"),
            };
            Expected { id: words[0].to_owned(), wire: level(words[1]), api: level(words[2]) }
        })
        .collect();
    expected.sort();
    expected
}

fn key(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}

fn set(root: &mut Value, at: &str, value: Value) {
    let (parent, last) = at.rsplit_once('/').unwrap();
    match root.pointer_mut(parent) {
        Some(Value::Object(map)) => drop(map.insert(key(last), value)),
        Some(Value::Array(list)) if last.parse() == Ok(list.len()) => list.push(value),
        Some(Value::Array(list)) => list[last.parse::<usize>().unwrap()] = value,
        other => panic!("{at} is in {other:?}"),
    }
}

fn take(root: &mut Value, at: &str) -> Value {
    let (parent, last) = at.rsplit_once('/').unwrap();
    let map = root.pointer_mut(parent).and_then(Value::as_object_mut);
    map.and_then(|map| map.remove(&key(last))).unwrap_or_else(|| panic!("{at}"))
}

fn rename(root: &mut Value, at: &str, name: &Value) {
    let value = take(root, at);
    let (parent, _) = at.rsplit_once('/').unwrap();
    set(root, &format!("{parent}/{}", name.as_str().unwrap()), value);
}

fn reverse(value: &mut Value) {
    match value {
        Value::Array(list) => list.reverse(),
        Value::Object(map) => {
            let reversed: Map<_, _> = std::mem::take(map).into_iter().rev().collect();
            *map = reversed;
        }
        other => panic!("{other}"),
    }
}
