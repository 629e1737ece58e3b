//! The client against `httpmock`, with the helpers that progenitor itself
//! generates from the same document.

#[path = "../snapshots/httpmock.rs"]
#[allow(missing_debug_implementations, unused_imports, reason = "written by progenitor")]
#[rustfmt::skip]
mod helpers;

use figma_payments::api::types::GetPaymentsResponseBody;
use figma_payments::{
    Client, ErrorKind, PaymentInformation, PaymentQuery, PaymentStatus, PersonalAccessToken,
    PluginPaymentToken, Resource, RetryPolicy, UserId,
};
use helpers::MockServerExt;
use httpmock::MockServer;

use crate::tools;

/// A real id, which a float would change.
const LARGE_ID: &str = "1678669904810665842";

fn client(server: &MockServer) -> Client {
    Client::builder(PersonalAccessToken::new("figd_mock").unwrap())
        .base_url(server.base_url())
        .retry(RetryPolicy::none())
        .build()
        .unwrap()
}

fn paid(resource: &Resource) -> GetPaymentsResponseBody {
    let user = UserId::try_from("500123").unwrap();
    let payment = PaymentInformation::new(&user, resource, PaymentStatus::Paid);
    let body = serde_json::json!({ "status": 200, "error": false, "meta": payment });
    serde_json::from_value(body).unwrap()
}

#[test]
fn the_helpers_are_what_was_generated() {
    let corrected = figma_payments_openapi::corrected().unwrap();
    let lowered = figma_payments_openapi::lower(&corrected.document).unwrap();
    let generated = figma_payments_openapi::httpmock(&lowered).unwrap();
    assert!(
        generated == include_str!("../snapshots/httpmock.rs"),
        "`cargo xtask httpmock > tests/snapshots/httpmock.rs`, and review the difference"
    );
}

#[tokio::test]
async fn each_way_to_ask_matches_its_own_mock_and_no_other() {
    let user = UserId::from(500123);
    let id = LARGE_ID;
    for resource in [
        Resource::plugin(id).unwrap(),
        Resource::widget(id).unwrap(),
        Resource::community_file(id).unwrap(),
    ] {
        let server = MockServer::start_async().await;
        let this = |wanted: bool| wanted.then_some(id);
        let mock = server.get_payments(|when, then| {
            when.user_id("500123")
                .plugin_payment_token(None)
                .plugin_id(this(matches!(resource, Resource::Plugin(_))))
                .widget_id(this(matches!(resource, Resource::Widget(_))))
                .community_file_id(this(matches!(resource, Resource::CommunityFile(_))))
                .into_inner()
                .header("x-figma-token", "figd_mock")
                .header_missing("authorization")
                .header_missing("api-version");
            then.ok(&paid(&resource));
        });
        let query = PaymentQuery::by_user(user.clone(), resource.clone());
        let payment = client(&server).get_payments(query).await.unwrap();
        assert!(payment.grants_access());
        mock.assert();
        tools::report("httpmock", &tools::locked("httpmock"), 1);
    }
}

#[tokio::test]
async fn a_payment_token_goes_alone_and_its_answer_is_verified() {
    let server = MockServer::start_async().await;
    let plugin = Resource::plugin(LARGE_ID).unwrap();
    let mock = server.get_payments(|when, then| {
        when.plugin_payment_token("ppt a+b")
            .user_id(None)
            .plugin_id(None)
            .widget_id(None)
            .community_file_id(None)
            .into_inner()
            .header("x-figma-token", "figd_mock");
        then.ok(&paid(&plugin));
    });
    let token = PluginPaymentToken::new("ppt a+b").unwrap();
    let ask = async |resource: Resource| {
        client(&server).get_payments(PaymentQuery::by_token(token.clone(), resource)).await
    };
    assert!(ask(plugin.clone()).await.unwrap().grants_access());
    let dearer = ask(Resource::plugin("42").unwrap()).await.unwrap_err();
    assert_eq!(dearer.kind(), ErrorKind::Mismatch);
    mock.assert_calls(2);
    tools::report("httpmock", &tools::locked("httpmock"), 2);
}

#[tokio::test]
async fn statuses_that_are_not_in_the_document_are_errors_too() {
    let server = MockServer::start_async().await;
    server.get_payments(|when, then| {
        when.user_id("500123");
        then.into_inner().status(418).body("<h1>a teapot</h1>");
    });
    let query = PaymentQuery::by_user(UserId::from(500123), Resource::plugin("1").unwrap());
    let error = client(&server).get_payments(query).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::BadRequest, Some(418)));
    tools::report("httpmock", &tools::locked("httpmock"), 1);
}
