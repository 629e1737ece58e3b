//! The `schemars` schema of each type and the document's schema accept and
//! refuse the same samples, but for the exceptions listed here.

use std::collections::BTreeSet;

use figma_payments::api::types::{ErrorResponsePayload, GetPaymentsResponseBody};
use figma_payments::{DateOfPurchase, PaymentInformation, PaymentStatus, ResourceType};
use schemars::{JsonSchema, schema_for};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::document::{Judge, validator};
use crate::examples::whole_status;
use crate::tools;

/// What a field is tried with: what the document knows, what it refuses, and
/// what servers have been seen to do.
fn values() -> Vec<Value> {
    let mut values = vec![
        json!(null),
        json!(true),
        json!(false),
        json!(""),
        json!("example_value"),
        json!("500123"),
        json!(500123),
        json!(200),
        json!(200.0),
        json!(401),
        json!(42.5),
        json!(-1),
        json!([]),
        json!(["PAID"]),
        json!({}),
        json!("paid"),
        json!("PAID_UNTIL"),
        json!("SLIDES"),
        json!("2024-06-15T14:30:00Z"),
        json!("2024-06-15T14:30:00+02:00"),
        json!("2024-06-15T14:30:00"),
        json!("2024-06-15"),
        json!("2024-13-15T14:30:00Z"),
        json!({ "type": "PAID", "status": "PAID" }),
        contradiction(),
        json!({ "type": "REFUNDED" }),
        json!({ "type": 1 }),
        json!({ "other": "PAID" }),
    ];
    for word in ["UNPAID", "PAID", "TRIAL", "NOT_SUPPORTED", "PLUGIN", "WIDGET", "COMMUNITY_FILE"] {
        values.extend([json!(word), json!({ "type": word }), json!({ "status": word })]);
    }
    values
}

/// The one thing that the document allows and the client refuses to read.
fn contradiction() -> Value {
    json!({ "type": "PAID", "status": "UNPAID" })
}

/// The example with each of its fields, at any depth, replaced by each value,
/// and with each one left out.
fn samples(example: &Value) -> Vec<Value> {
    let mut samples = values();
    samples.push(example.clone());
    let mut fields = Vec::new();
    collect(example, String::new(), &mut fields);
    for (parent, key) in fields {
        let changed = |change: &dyn Fn(&mut serde_json::Map<String, Value>)| {
            let mut sample = example.clone();
            change(sample.pointer_mut(&parent).and_then(Value::as_object_mut).unwrap());
            sample
        };
        samples.push(changed(&|map| drop(map.remove(&key))));
        samples.push(changed(&|map| drop(map.insert("more".to_owned(), json!(1)))));
        for value in values() {
            samples.push(changed(&|map| drop(map.insert(key.clone(), value.clone()))));
        }
    }
    samples
}

fn collect(value: &Value, place: String, into: &mut Vec<(String, String)>) {
    for (key, child) in value.as_object().into_iter().flatten() {
        into.push((place.clone(), key.clone()));
        collect(child, format!("{place}/{key}"), into);
    }
}

/// Where the two schemas deliberately differ, and how often.
type Exceptions = BTreeSet<&'static str>;

/// Compares type and component. `excuse` names the exception that a sample is,
/// if it is one.
fn agree<T: JsonSchema + DeserializeOwned>(
    name: &str,
    example: Value,
    excuse: impl Fn(&Value) -> Option<&'static str>,
) -> Exceptions {
    let document = Judge::new().schema(name);
    let schema = validator(schema_for!(T).as_value());
    let mut accepted = 0;
    let mut refused = 0;
    let mut excused = Exceptions::new();
    for sample in samples(&example) {
        let ours = schema.is_valid(&sample);
        let theirs = document.is_valid(&sample);
        match ours == theirs {
            true if ours => accepted += 1,
            true => refused += 1,
            false => {
                let exception = excuse(&sample);
                excused.insert(exception.unwrap_or_else(|| {
                    panic!("{name}: {sample}: schemars {ours}, the document {theirs}")
                }));
            }
        }
        if theirs {
            let read = serde_json::from_value::<T>(whole_status(sample.clone()));
            let contradicts = sample.to_string().contains(&contradiction().to_string());
            assert_eq!(read.is_ok(), !contradicts, "{name}: {sample}: {:?}", read.err());
        }
    }
    println!("{name}: {accepted} samples accepted, {refused} refused, by both; but {excused:?}");
    tools::report("jsonschema", &tools::locked("jsonschema"), accepted + refused);
    assert!(accepted > 0 && refused > 0);
    excused
}

fn information() -> Value {
    json!({
        "user_id": "1234567890", "resource_id": "1122334455", "resource_type": "PLUGIN",
        "payment_status": "PAID", "date_of_purchase": "2024-06-15T14:30:00Z",
    })
}

fn none(_: &Value) -> Option<&'static str> {
    None
}

#[test]
fn the_words_and_the_date_agree_without_exception() {
    assert!(agree::<PaymentStatus>("PaymentStatus", json!("PAID"), none).is_empty());
    assert!(agree::<ResourceType>("ResourceType", json!("PLUGIN"), none).is_empty());
    let date = json!("2024-06-15T14:30:00Z");
    assert!(agree::<DateOfPurchase>("DateOfPurchase", date, none).is_empty());
}

const OTHER_STATUS: &str = "a status of the body other than the one documented";
const OTHER_ERROR: &str = "an `error` of the body other than the one documented";
const NULL_DATE: &str = "a date that is null, where it may be left out";

/// A Rust struct has no way to say "always 200", "always false" or "always
/// true", and an `Option` may be null; the client checks `error` itself.
#[test]
fn the_constants_and_the_date_that_is_null_are_the_only_exceptions() {
    let found = agree::<serde_json::Number>("StatusNumber", json!(200), |_| Some(OTHER_STATUS));
    assert_eq!(found, Exceptions::from([OTHER_STATUS]));

    let null_date = |payment: &Value| {
        payment.get("date_of_purchase").is_some_and(Value::is_null).then_some(NULL_DATE)
    };
    let found = agree::<PaymentInformation>("PaymentInformation", information(), null_date);
    assert_eq!(found, Exceptions::from([NULL_DATE]));

    let success = json!({ "status": 200, "error": false, "meta": information() });
    let excuse = |sample: &Value| match (&sample["status"], &sample["error"]) {
        (Value::Number(status), _) if status.as_f64() != Some(200.0) => Some(OTHER_STATUS),
        (_, Value::Bool(true)) => Some(OTHER_ERROR),
        _ => null_date(&sample["meta"]),
    };
    let found = agree::<GetPaymentsResponseBody>("GetPaymentsResponseBody", success, excuse);
    assert_eq!(found, Exceptions::from([OTHER_STATUS, OTHER_ERROR, NULL_DATE]));

    let error = json!({ "error": true, "status": 401, "message": "example_value" });
    let excuse = |sample: &Value| (sample["error"] == false).then_some(OTHER_ERROR);
    let found = agree::<ErrorResponsePayload>("ErrorResponsePayload", error, excuse);
    assert_eq!(found, Exceptions::from([OTHER_ERROR]));
}

/// What neither schema accepts and the client reads all the same, so that an
/// odd field does not cost a buyer the answer. None of it gives access.
#[test]
fn what_is_read_although_it_is_not_documented_never_gives_access() {
    let schema = validator(schema_for!(PaymentInformation).as_value());
    let document = Judge::new().schema("PaymentInformation");
    for (field, value) in [
        ("payment_status", json!("PAID_UNTIL")),
        ("payment_status", json!({ "type": "REFUNDED" })),
        ("payment_status", json!("")),
        ("payment_status", json!(null)),
        ("resource_type", json!("SLIDES")),
        ("date_of_purchase", json!("yesterday")),
        ("date_of_purchase", json!(1718461800)),
    ] {
        let mut sample = information();
        sample[field] = value;
        assert!(!schema.is_valid(&sample) && !document.is_valid(&sample), "{sample}");
        let read: PaymentInformation = serde_json::from_value(sample.clone()).unwrap();
        let as_asked = read.resource().is_some() && field != "date_of_purchase";
        assert!(!(as_asked && read.grants_access()), "{sample}");
    }
}
