//! Every success example of the corrected document goes through the generated
//! types and comes back the same.

use figma_payments::PaymentInformation;
use figma_payments::api::types::{ErrorResponsePayload, GetPaymentsResponseBody};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::document::Judge;
use crate::tools;

/// All examples, wherever they stand: those of a schema, a media type, a
/// component. Examples of single fields and parameters are left out.
fn examples(value: &Value, into: &mut Vec<Value>) {
    match value {
        Value::Object(map) => {
            for (key, child) in map {
                match key.as_str() {
                    "example" | "value" if child.is_object() => into.push(child.clone()),
                    _ => examples(child, into),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| examples(item, into)),
        _ => {}
    }
}

/// The status as an integer where it is whole: `200.0` is one for JSON Schema,
/// and none for serde.
pub fn whole_status(mut value: Value) -> Value {
    let whole = value.get("status").and_then(Value::as_f64).filter(|it| it.fract() == 0.0);
    if let Some(number) = whole {
        value["status"] = Value::from(number as i64);
    }
    value
}

/// Number form and shape of the status made one.
fn normalised(value: Value) -> Value {
    let mut value = whole_status(value);
    for pointer in ["/meta/payment_status", "/payment_status"] {
        let Some(status) = value.pointer_mut(pointer) else { continue };
        for key in ["type", "status"] {
            if let Some(word) = status.get(key).filter(|word| word.is_string()) {
                *status = word.clone();
            }
        }
    }
    value
}

fn comes_back<T: DeserializeOwned + Serialize>(example: &Value) {
    let read: T = serde_json::from_value(example.clone())
        .unwrap_or_else(|error| panic!("{example}: {error}"));
    assert_eq!(normalised(serde_json::to_value(read).unwrap()), normalised(example.clone()));
}

#[test]
fn every_example_decodes_and_encodes_back_to_itself() {
    let judge = Judge::new();
    let mut found = Vec::new();
    let mut successes = 0;
    let mut errors = 0;
    examples(judge.root(), &mut found);
    for example in &found {
        if example.get("meta").is_some() {
            comes_back::<GetPaymentsResponseBody>(example);
            judge.answer(200, "application/json", &example.to_string()).unwrap();
            successes += 1;
        } else if example.get("user_id").is_some() {
            comes_back::<PaymentInformation>(example);
            assert!(judge.schema("PaymentInformation").is_valid(example), "{example}");
            successes += 1;
        } else {
            comes_back::<ErrorResponsePayload>(example);
            assert!(judge.schema("ErrorResponsePayload").is_valid(example), "{example}");
            errors += 1;
        }
    }
    tools::report("jsonschema", &tools::locked("jsonschema"), successes + errors);
    assert!(successes >= 4 && errors >= 9, "{successes} and {errors}");
}

#[test]
fn the_three_shapes_come_back_as_one() {
    let judge = Judge::new();
    let example = serde_json::json!({
        "status": 200.0, "error": false,
        "meta": { "user_id": "1", "resource_id": "2", "resource_type": "WIDGET", "payment_status": "TRIAL" },
    });
    for shape in [r#""TRIAL""#, r#"{"type": "TRIAL"}"#, r#"{"status": "TRIAL"}"#] {
        let mut example = example.clone();
        example["meta"]["payment_status"] = serde_json::from_str(shape).unwrap();
        comes_back::<GetPaymentsResponseBody>(&example);
        judge.answer(200, "application/json", &example.to_string()).unwrap();
    }
}
