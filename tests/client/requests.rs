//! What goes over the wire, whatever HTTP client the user brings.

use std::time::Duration;

use figma_payments::sandbox::{Reply, ScriptedServer};
use figma_payments::{AuthScheme, Client, ClientBuilder, ErrorKind, PersonalAccessToken};

use crate::support::{
    self, ACCESS_TOKEN, access_token, answering, by_token, by_user, client, paid,
};

fn own() -> reqwest::ClientBuilder {
    support::own_http().redirect(reqwest::redirect::Policy::limited(5)).referer(true)
}

#[tokio::test]
async fn the_token_goes_into_its_header_and_nothing_stray_goes_along() {
    let server = answering(200, paid()).await;
    let ours = client(&server);
    let theirs = support::builder(&server).http(own()).build().unwrap();
    for client in [ours, theirs] {
        client.get_payments(by_user()).await.unwrap();
    }
    assert_eq!(server.requests().len(), 2);
    for request in server.requests() {
        let names: Vec<&str> = request.headers.keys().map(|name| name.as_str()).collect();
        assert_eq!(request.headers["x-figma-token"], ACCESS_TOKEN);
        assert_eq!(request.headers["accept"], "application/json");
        let agent = concat!("figma-payments/", env!("CARGO_PKG_VERSION"));
        assert_eq!(request.headers["user-agent"], agent);
        assert_eq!(names.len(), 4, "{names:?}"); // and host
        assert_eq!(request.method, "GET");
    }
}

#[tokio::test]
async fn bearer_can_be_chosen_and_an_agent_can_be_named() {
    let server = answering(200, paid()).await;
    let client = support::builder(&server)
        .auth_scheme(AuthScheme::Bearer)
        .user_agent("shop/1.0")
        .build()
        .unwrap();
    client.get_payments(by_user()).await.unwrap();
    let headers = &server.requests()[0].headers;
    assert_eq!(headers["authorization"], format!("Bearer {ACCESS_TOKEN}"));
    assert_eq!(headers["user-agent"], "shop/1.0");
    assert!(!headers.contains_key("x-figma-token"));
}

#[tokio::test]
async fn a_base_url_may_have_a_path() {
    let server = answering(200, paid()).await;
    for path in ["/figma", "/figma/", "", "/"] {
        let url = format!("{}{path}", server.base_url());
        let client = Client::builder(access_token()).base_url(url).build().unwrap();
        client.get_payments(by_user()).await.unwrap();
    }
    let paths: Vec<String> = server
        .requests()
        .into_iter()
        .map(|request| request.target.split('?').next().unwrap().to_owned())
        .collect();
    assert_eq!(paths, ["/figma/v1/payments", "/figma/v1/payments", "/v1/payments", "/v1/payments"]);
}

fn configuration_error(builder: ClientBuilder) -> String {
    let error = builder.build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    error.to_string()
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let builder = || Client::builder(access_token());
    for (url, why) in [
        ("", "is not a URL"),
        ("api.figma.com", "is not a URL"),
        ("ftp://api.figma.com", "does not begin with http:// or https://"),
        ("mailto:a@example.com", "does not begin with http:// or https://"),
        ("https://api.figma.com?x=1", "has a query"),
        ("https://api.figma.com#x", "has a query or a fragment"),
        ("https://user:hunter2@api.figma.com", "has a user name or a password"),
        ("http://api.figma.com", "plain http://"),
        ("http://10.0.0.1", "plain http://"),
        ("http://localhost.example", "plain http://"),
        ("http://127.0.0.1.example", "plain http://"),
    ] {
        let message = configuration_error(builder().base_url(url));
        assert!(message.contains(why), "{url}: {message}");
        assert!(message.contains("use a URL like") && !message.contains("hunter2"), "{message}");
    }
    for loopback in
        ["http://127.0.0.1", "http://127.9.9.9:1", "http://[::1]:4010", "http://localhost"]
    {
        builder().base_url(loopback).build().unwrap();
    }
    builder().base_url("http://10.0.0.1").allow_plain_http(true).build().unwrap();

    let zero = Duration::ZERO;
    assert!(configuration_error(builder().timeout(zero)).contains("`timeout` is zero"));
    assert!(configuration_error(builder().deadline(zero)).contains("`deadline` is zero"));
    let message = configuration_error(builder().connect_timeout(zero));
    assert!(message.contains("`connect_timeout` is zero"));
    assert!(configuration_error(builder().user_agent("a\nb")).contains("`user_agent`"));
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let thief = answering(200, paid()).await;
    let target = format!("{}/v1/payments?plugin_payment_token=x", thief.base_url());
    let server = ScriptedServer::start(move |_| Reply::json(302, "").header("location", &target));
    let server = server.await.unwrap();
    let theirs = support::builder(&server).http(own()).build().unwrap();
    for client in [client(&server), theirs] {
        let error = client.get_payments(by_token()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Redirect);
        assert!(error.to_string().contains("to 127.0.0.1"), "{error}");
        assert!(!format!("{error} {error:?}").contains("plugin_payment_token"), "{error:?}");
    }
    assert_eq!(thief.requests().len(), 0);
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn there_is_a_timeout_by_default_and_with_an_own_http_client() {
    let server = ScriptedServer::start(|_| Reply::json(200, "").after(Duration::from_secs(60)));
    let server = server.await.unwrap();
    let brief = Duration::from_millis(200);
    for builder in [support::builder(&server), support::builder(&server).http(own())] {
        let printed = format!("{builder:?}");
        assert!(printed.contains("timeout: 5s") && printed.contains("deadline: 12s"), "{printed}");
        let client = builder.timeout(brief).deadline(brief).build().unwrap();
        let error = client.get_payments(by_user()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    }
}

#[tokio::test]
async fn a_time_without_end_is_one() {
    let server = answering(200, paid()).await;
    let never = Duration::MAX;
    let builder = support::builder(&server).timeout(never).connect_timeout(never).deadline(never);
    builder.build().unwrap().get_payments(by_user()).await.unwrap();
}

#[tokio::test]
async fn a_new_access_token_reaches_all_clones() {
    let server = answering(200, paid()).await;
    let (one, other) = {
        let client = client(&server);
        (client.clone(), client)
    };
    one.get_payments(by_user()).await.unwrap();
    one.set_access_token(PersonalAccessToken::new("figd_new").unwrap()).unwrap();
    other.get_payments(by_user()).await.unwrap();
    let sent =
        server.requests().into_iter().map(|request| request.headers["x-figma-token"].clone());
    assert_eq!(sent.collect::<Vec<_>>(), [ACCESS_TOKEN, "figd_new"]);
}

/// Run by the next test in a process of its own, with proxies in its
/// environment; on its own it has nothing to do.
#[tokio::test]
async fn ask_the_server_named_in_the_environment() {
    let Ok(base_url) = std::env::var("BASE_URL_OF_THE_PARENT") else { return };
    for http in [None, Some(own())] {
        let mut builder = Client::builder(access_token()).base_url(&base_url);
        if let Some(http) = http {
            builder = builder.http(http);
        }
        builder.build().unwrap().get_payments(by_token()).await.unwrap();
    }
}

#[tokio::test]
async fn proxies_from_the_environment_never_see_a_loopback_call() {
    let server = answering(200, paid()).await;
    let proxy = answering(200, paid()).await;
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "requests::ask_the_server_named_in_the_environment"]);
    child.env("BASE_URL_OF_THE_PARENT", server.base_url());
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
    {
        child.env(name, proxy.base_url());
    }
    let output = child.output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(server.requests().len(), 2);
    assert_eq!(proxy.requests().len(), 0);
}
