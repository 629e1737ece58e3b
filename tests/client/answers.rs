//! Success answers: three shapes of status, odd fields, and what gives access.

use std::collections::HashSet;

use figma_payments::{
    Error, ErrorKind, PaymentInformation, PaymentQuery, PaymentStatus, Resource, ResourceType,
};
use serde_json::{Value, json};

use crate::support::{
    self, answering, by_user, client, paid, paid_but, paid_without, payment_token,
};

async fn ask(body: impl ToString) -> Result<PaymentInformation, Error> {
    let server = answering(200, body).await;
    client(&server).get_payments(by_user()).await
}

#[tokio::test]
async fn every_shape_of_the_status_is_read_and_only_paid_and_trial_give_access() {
    use PaymentStatus::*;
    let unknown = |text: &str| Unknown(text.to_owned());
    let rows = [
        (json!("PAID"), Paid),
        (json!("TRIAL"), Trial),
        (json!("UNPAID"), Unpaid),
        (json!("NOT_SUPPORTED"), NotSupported),
        (json!({ "type": "PAID" }), Paid),
        (json!({ "type": "TRIAL" }), Trial),
        (json!({ "type": "UNPAID" }), Unpaid),
        (json!({ "type": "NOT_SUPPORTED" }), NotSupported),
        (json!({ "status": "PAID" }), Paid),
        (json!({ "status": "TRIAL" }), Trial),
        (json!({ "status": "UNPAID" }), Unpaid),
        (json!({ "status": "NOT_SUPPORTED" }), NotSupported),
        (json!({ "type": "PAID", "status": "PAID" }), Paid),
        (json!({ "type": "PAID", "status": null }), Paid),
        (json!({ "type": "TRIAL", "ends": { "type": "UNPAID" } }), Trial),
        (json!({ "type": null, "status": "UNPAID" }), Unpaid),
        (json!("paid"), unknown("paid")),
        (json!(" PAID"), unknown(" PAID")),
        (json!("PAID_UNTIL"), unknown("PAID_UNTIL")),
        (json!(""), unknown("")),
        (json!(null), unknown("")),
        (json!({}), unknown("")),
        (json!({ "type": null }), unknown("")),
        (json!({ "type": "REFUNDED" }), unknown("REFUNDED")),
        (json!({ "state": "PAID" }), unknown("")),
    ];
    for (status, expected) in rows {
        let access = matches!(expected, Paid | Trial);
        let payment = ask(paid_but("/meta/payment_status", status.clone())).await;
        let payment = payment.unwrap_or_else(|error| panic!("{status}: {error}"));
        assert_eq!(payment.payment_status, expected, "{status}");
        assert_eq!(payment.grants_access(), access, "{status}");
        assert_eq!(payment.payment_status.grants_access(), access, "{status}");
        assert!(payment.date_of_purchase.is_some(), "a date proves nothing");
    }
    let payment = ask(paid_without("/meta/payment_status")).await.unwrap();
    assert_eq!(payment.payment_status, unknown(""));
    assert!(!payment.grants_access());
}

#[tokio::test]
async fn statuses_that_contradict_each_other_or_are_none_are_errors() {
    for status in [
        r#"{ "type": "PAID", "status": "UNPAID" }"#,
        r#"{ "status": "UNPAID", "type": "PAID" }"#,
        r#"{ "type": "UNPAID", "type": "PAID" }"#,
        r#"{ "type": "PAID", "status": "paid" }"#,
        r#"{ "type": true }"#,
        r#"{ "type": ["PAID"] }"#,
        r#"["PAID"]"#,
        "true",
        "1",
    ] {
        let body = paid().to_string().replace(r#""PAID""#, status);
        let error = ask(body).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{status}: {error}");
        assert_eq!(error.status(), Some(200));
    }
    let twice = paid().to_string().replace(
        r#""payment_status":"PAID""#,
        r#""payment_status":"UNPAID","payment_status":"PAID""#,
    );
    assert_eq!(ask(twice).await.unwrap_err().kind(), ErrorKind::InvalidResponse);
}

#[tokio::test]
async fn an_odd_field_does_not_cost_a_buyer_the_answer() {
    let odd_dates = [
        (json!("2024-06-15T14:30:00Z"), Some("2024-06-15T14:30:00Z")),
        (json!("2024-06-15T14:30:00"), Some("2024-06-15T14:30:00")),
        (json!("yesterday"), Some("yesterday")),
        (json!(""), Some("")),
        (json!(1718461800), Some("1718461800")),
        (json!({ "seconds": 1 }), Some(r#"{"seconds":1}"#)),
        (json!(null), None),
    ];
    for (date, expected) in odd_dates {
        let payment = ask(paid_but("/meta/date_of_purchase", date.clone())).await.unwrap();
        let read = payment.date_of_purchase.as_ref().map(|date| date.as_str());
        assert_eq!(read, expected, "{date}");
        assert!(payment.grants_access(), "{date}");
    }
    for body in [
        paid_without("/meta/date_of_purchase"),
        paid_but("/meta/renewal_date", json!({ "a": [1, 2.5, null] })),
        paid_but("/i18n", json!(null)),
        paid_but("/i18n", json!(["meta", { "user_id": [] }])),
        paid_but("/status", json!(200.0)),
    ] {
        assert!(ask(&body).await.unwrap().grants_access(), "{body}");
    }
    let escaped = paid_but("/i18n", json!([])).to_string();
    let escaped = escaped.replace("\"meta\"", r#""m\u0065ta""#).replace("user_id", r"user\u005fid");
    assert!(ask(&escaped).await.unwrap().grants_access(), "{escaped}");
}

/// The values of `meta` as the decoder would take them, the fields in alphabetical order.
fn list_of_meta() -> Value {
    let meta = paid()["meta"].take();
    let fields = ["date_of_purchase", "payment_status", "resource_id", "resource_type", "user_id"];
    fields.iter().map(|field| meta[field].clone()).collect()
}

#[tokio::test]
async fn an_unreadable_success_is_an_error_and_never_access() {
    for (body, said) in [
        (paid_without("/meta/user_id").to_string(), None),
        (paid_without("/meta/resource_id").to_string(), None),
        (paid_without("/meta/resource_type").to_string(), None),
        (paid_without("/meta").to_string(), None),
        (paid_without("/error").to_string(), None),
        (paid_but("/error", json!("false")).to_string(), None),
        (paid_but("/status", json!("200")).to_string(), None),
        (paid_but("/meta/user_id", json!(500123)).to_string(), None),
        (paid_but("/meta", json!([paid()["meta"]])).to_string(), None),
        (paid_but("/meta", list_of_meta()).to_string(), None),
        (
            paid_but("/meta", list_of_meta()).to_string().replace("}", r#","x":{"user_id":1}}"#),
            None,
        ),
        (json!([false, paid_but("/meta/meta", json!([]))["meta"], 200]).to_string(), None),
        ("".to_owned(), None),
        ("PAID".to_owned(), Some("PAID")),
        ("[]".to_owned(), None),
        ("<html><h1>Hello</h1></html>".to_owned(), Some("<html><h1>Hello</h1></html>")),
        (paid().to_string()[..80].to_owned(), None),
        (format!("{}x", paid()), None),
    ] {
        let error = ask(&body).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{body}: {error}");
        assert_eq!(error.status(), Some(200), "{body}");
        assert_eq!(error.api_message(), said, "{body}");
        assert!(!error.is_retryable(), "{body}");
    }
}

#[tokio::test]
async fn a_success_that_says_error_is_an_error() {
    for body in [
        paid_but("/error", json!(true)),
        paid_but("/error", json!(true))
            .as_object()
            .map(|body| {
                let mut body = body.clone();
                body.insert("message".into(), json!("No such user"));
                Value::Object(body)
            })
            .unwrap(),
        json!({ "error": true, "status": 401, "message": "No such user" }),
    ] {
        let error = ask(&body).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{body}");
        let said = body.get("message").and_then(Value::as_str);
        assert_eq!(error.api_message(), said, "{body}");
    }
}

#[tokio::test]
async fn an_unknown_kind_of_resource_is_told_and_is_no_resource() {
    let server = answering(200, paid_but("/meta/resource_type", json!("SLIDES"))).await;
    let query = PaymentQuery::by_token_any_resource(payment_token());
    let payment = client(&server).get_payments(query).await.unwrap();
    assert_eq!(payment.resource_type, ResourceType::Unknown("SLIDES".into()));
    assert_eq!(payment.resource(), None);
    assert!(payment.grants_access(), "the status is what it is");

    let error = client(&server).get_payments(support::by_token()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mismatch);
}

#[test]
fn every_known_word_is_a_variant_and_any_other_is_kept() {
    assert_eq!(PaymentStatus::KNOWN, ["PAID", "TRIAL", "UNPAID", "NOT_SUPPORTED"]);
    assert_eq!(ResourceType::KNOWN, ["PLUGIN", "WIDGET", "COMMUNITY_FILE"]);
    for word in PaymentStatus::KNOWN {
        let status: PaymentStatus = word.parse().unwrap();
        assert!(!matches!(status, PaymentStatus::Unknown(_)), "{word}");
        assert_eq!(status.as_str(), *word);
    }
    for word in ResourceType::KNOWN {
        assert!(!matches!(word.parse().unwrap(), ResourceType::Unknown(_)), "{word}");
    }
    let gifted: PaymentStatus = "GIFTED".parse().unwrap();
    assert_eq!(gifted, PaymentStatus::Unknown("GIFTED".to_owned()));
    assert!(!gifted.grants_access());
}

#[test]
fn an_answer_of_ones_own_is_that_of_a_server() {
    let made = PaymentInformation::new(&support::user(), &support::plugin(), PaymentStatus::Paid);
    let read: PaymentInformation =
        serde_json::from_value(paid_without("/meta/date_of_purchase")["meta"].take()).unwrap();
    assert_eq!(made, read);
    let mut bought = made.clone();
    bought.date_of_purchase = Some("2024-06-15T14:30:00Z".into());
    let different = HashSet::from([made, read, bought]);
    assert_eq!(different.len(), 2, "equal answers have equal hashes");
}

#[test]
fn every_known_kind_of_resource_is_one() {
    for (kind, expected) in [
        ("PLUGIN", Resource::plugin("12")),
        ("WIDGET", Resource::widget("12")),
        ("COMMUNITY_FILE", Resource::community_file("12")),
    ] {
        let meta = json!({
            "user_id": "1", "resource_id": "12", "resource_type": kind, "payment_status": "UNPAID",
        });
        let payment: PaymentInformation = serde_json::from_value(meta.clone()).unwrap();
        assert_eq!(payment.resource(), Some(expected.unwrap()));
        assert_eq!(serde_json::to_value(&payment).unwrap(), meta, "and is written as it was read");
    }
    let odd = json!({
        "user_id": "1", "resource_id": "x", "resource_type": "PLUGIN", "payment_status": "PAID",
    });
    let odd: PaymentInformation = serde_json::from_value(odd).unwrap();
    assert_eq!(odd.resource(), None);
}
