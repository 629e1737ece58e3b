//! Every request that the client can send and every answer of the sandbox,
//! checked against the corrected document.

use std::time::Duration;

use figma_payments::sandbox::{
    Calls, Fault, FigmaLimits, Purchase, Quota, Request, Sandbox, StatusShape,
};
use figma_payments::{Client, PaymentQuery, PluginPaymentToken, Resource, RetryPolicy, UserId};

use crate::document::Judge;
use crate::{tools, wire};

const TOKEN: &str = "figd_sandbox";
/// A real plugin id, which a float would change.
const LARGE_ID: &str = "1678669904810665842";
const BOUGHT: &str = "2024-06-15T14:30:00Z";

fn resources() -> [Resource; 3] {
    [
        Resource::plugin(LARGE_ID).unwrap(),
        Resource::widget("5544332211").unwrap(),
        Resource::community_file("9876543210").unwrap(),
    ]
}

async fn sandbox() -> Sandbox {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.configure(|settings| settings.limits = FigmaLimits::none());
    sandbox
}

fn check(judge: &Judge, request: &Request) -> Result<(), String> {
    let headers: Vec<(String, String)> = request
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    judge.request(&request.method, &request.target, &headers, TOKEN)
}

#[tokio::test]
async fn every_request_of_the_client_is_documented_and_asks_what_was_meant() {
    let judge = Judge::new();
    let sandbox = sandbox().await;
    let client = Client::builder(sandbox.access_token())
        .base_url(sandbox.base_url())
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    let user = UserId::try_from("18446744073709551615").unwrap();
    let mut meant = Vec::new();
    for resource in resources() {
        let key = match &resource {
            Resource::Plugin(_) => "plugin_id",
            Resource::Widget(_) => "widget_id",
            _ => "community_file_id",
        };
        let by_user = PaymentQuery::by_user(user.clone(), resource.clone());
        client.get_payments(by_user).await.unwrap();
        meant.push(vec![("user_id", user.to_string()), (key, resource.id().to_owned())]);
        for text in ["ppt_1", "a b+c&d=e/é%?#", " x ", "\u{1F600}", &"x".repeat(4096)] {
            let token = PluginPaymentToken::new(text).unwrap();
            sandbox.accept_token(token.clone(), &user, &resource, Duration::from_secs(60));
            let any = PaymentQuery::by_token_any_resource(token.clone());
            let questions =
                [PaymentQuery::by_token(token, resource.clone()), any.expecting_user(user.clone())];
            for question in questions {
                client.get_payments(question).await.unwrap();
                meant.push(vec![("plugin_payment_token", text.to_owned())]);
            }
        }
    }
    let seen = sandbox.requests();
    assert_eq!(seen.len(), meant.len());
    for (request, mut meant) in seen.iter().zip(meant) {
        check(&judge, request).unwrap_or_else(|why| panic!("{request:?}: {why}"));
        let url = format!("http://localhost{}", request.target);
        let mut asked: Vec<(String, String)> =
            reqwest::Url::parse(&url).unwrap().query_pairs().into_owned().collect();
        asked.sort();
        meant.sort();
        let meant: Vec<_> = meant.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
        assert_eq!(asked, meant);
    }
    tools::report("jsonschema", &tools::locked("jsonschema"), seen.len());
}

/// A check that lets everything pass would prove nothing.
#[test]
fn the_check_refuses_what_the_client_must_never_send() {
    let judge = Judge::new();
    let key = ("x-figma-token".to_owned(), TOKEN.to_owned());
    let other = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let good = "/v1/payments?user_id=1&plugin_id=2";
    assert_eq!(judge.request("GET", good, std::slice::from_ref(&key), TOKEN), Ok(()));
    for (target, headers) in [
        ("/v1/payment?user_id=1&plugin_id=2", vec![key.clone()]),
        ("/v1/payments", vec![key.clone()]),
        ("/v1/payments?user_id=1", vec![key.clone()]),
        ("/v1/payments?user_id=1&plugin_id=2&widget_id=3", vec![key.clone()]),
        ("/v1/payments?user_id=1&plugin_id=2&plugin_payment_token=x", vec![key.clone()]),
        ("/v1/payments?user_id=1&plugin_id=2&plugin_id=2", vec![key.clone()]),
        ("/v1/payments?user_id=1&plugin_id=2&team_id=2", vec![key.clone()]),
        (good, vec![]),
        (good, vec![key.clone(), key.clone()]),
        (good, vec![other("x-figma-token", "figd_other")]),
        (good, vec![other("authorization", "Bearer figd_sandbox")]),
        (good, vec![key.clone(), other("authorization", "Bearer figd_sandbox")]),
        (good, vec![key.clone(), other("api-version", "0.21.0")]),
        (good, vec![key.clone(), other("user-agent", "x figd_sandbox")]),
    ] {
        assert!(judge.request("GET", target, &headers, TOKEN).is_err(), "{target} {headers:?}");
    }
    assert!(judge.request("POST", good, &[key], TOKEN).is_err());
    for (status, body) in [
        (200, r#"{"status":200,"error":false}"#),
        (
            200,
            r#"{"status":200,"error":true,"meta":{"user_id":"1","resource_id":"2","resource_type":"PLUGIN"}}"#,
        ),
        (401, r#"{"status":429,"error":true,"message":""}"#),
        (400, r#"{"status":401,"error":true,"message":""}"#),
        (418, r#"{"status":418,"error":true,"message":""}"#),
    ] {
        assert!(judge.answer(status, "application/json", body).is_err(), "{status} {body}");
    }
    assert!(judge.answer(401, "text/html", "").is_err());
}

#[tokio::test]
async fn every_answer_of_the_sandbox_is_documented() {
    let judge = Judge::new();
    let sandbox = sandbox().await;
    let user = UserId::from(500123);
    let key = ("X-Figma-Token", TOKEN);
    let mut checked = 0;
    let mut check = async |target: &str, headers: &[(&str, &str)], status: u16| {
        let answer = wire::get(&sandbox.base_url(), target, headers).await.unwrap();
        assert_eq!(answer.status, status, "{target}: {answer:?}");
        let content_type = answer.header("content-type").unwrap_or_default();
        let verdict = judge.answer(status, content_type, &answer.body);
        assert_eq!(verdict, Ok(()), "{target}: {answer:?}");
        checked += 1;
        answer
    };
    for resource in resources() {
        let kinds = [
            Purchase::unpaid(&user, &resource),
            Purchase::paid(&user, &resource, BOUGHT),
            Purchase::trial(&user, &resource, BOUGHT),
            Purchase::refunded(&user, &resource, BOUGHT),
            Purchase::lapsed(&user, &resource, BOUGHT),
        ];
        let id = resource.id();
        let key_of = match &resource {
            Resource::Plugin(_) => "plugin_id",
            Resource::Widget(_) => "widget_id",
            _ => "community_file_id",
        };
        for purchase in kinds {
            sandbox.set(purchase.clone());
            for shape in [StatusShape::Text, StatusShape::Type, StatusShape::Status] {
                sandbox.configure(|settings| settings.shape = shape);
                let token = PluginPaymentToken::new("ppt_known").unwrap();
                sandbox.accept_token(token, &user, &resource, Duration::from_secs(60));
                for target in [
                    format!("/v1/payments?user_id={user}&{key_of}={id}"),
                    "/v1/payments?plugin_payment_token=ppt_known".to_owned(),
                ] {
                    let meta = check(&target, &[key], 200).await.json()["meta"].clone();
                    assert_eq!(
                        (&meta["user_id"], &meta["resource_id"]),
                        (&user.as_str().into(), &id.into())
                    );
                    assert_eq!(meta["resource_type"], resource.resource_type().as_str());
                    let date = purchase.date_of_purchase.as_ref().map(|date| date.as_str());
                    assert_eq!(meta["date_of_purchase"].as_str(), date);
                }
            }
        }
    }
    let good = "/v1/payments?user_id=500123&plugin_id=1";
    check(good, &[], 401).await;
    check(good, &[("authorization", "Bearer figd_sandbox")], 401).await;
    check("/v1/payments?plugin_payment_token=ppt_unknown", &[key], 401).await;
    for query in [
        "",
        "?user_id=1",
        "?plugin_id=1",
        "?user_id=1&plugin_id=1&plugin_id=1",
        "?user_id=1&plugin_id=1&widget_id=1",
        "?user_id=x&plugin_id=1",
    ] {
        check(&format!("/v1/payments{query}"), &[key], 400).await;
    }
    sandbox.configure(|settings| settings.foreign.extend([Resource::plugin("1").unwrap()]));
    check(good, &[key], 403).await;
    for status in [400, 401, 403, 404, 429, 500] {
        sandbox.inject(Fault::Status(status), Calls::Next(1));
        check(good, &[key], status).await;
    }
    sandbox.configure(|settings| settings.limits.by_user = Quota::RefuseAll);
    let limited = check(good, &[key], 429).await;
    for header in
        ["retry-after", "x-figma-plan-tier", "x-figma-rate-limit-type", "x-figma-upgrade-link"]
    {
        assert!(limited.header(header).is_some_and(|value| !value.is_empty()), "{header}");
    }
    tools::report("jsonschema", &tools::locked("jsonschema"), checked);
}
