//! The sandbox behaves as the sources say Figma does.

use std::time::Duration;

use figma_payments::sandbox::{
    Calls, Fault, Figma, FigmaLimits, Purchase, Quota, Reply, Request, Sandbox, Settings,
    StatusShape,
};
use figma_payments::{
    AskedBy, Client, Error, ErrorKind, PaymentInformation, PaymentQuery, PaymentStatus,
    PersonalAccessToken, PluginPaymentToken, Resource, RetryPolicy, UserId,
};
use serde_json::{Value, json};

use crate::support::wire::{self, Answer};
use crate::support::{LARGE_ID, plugin, user};

const BOUGHT: &str = "2024-06-15T14:30:00Z";

/// With a client's errors as they come: nothing is asked twice.
async fn sandbox() -> (Sandbox, Client) {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.stop_clock();
    let client = client(&sandbox, sandbox.access_token());
    (sandbox, client)
}

fn client(sandbox: &Sandbox, token: PersonalAccessToken) -> Client {
    Client::builder(token).base_url(sandbox.base_url()).retry(RetryPolicy::none()).build().unwrap()
}

async fn ask(client: &Client) -> Result<PaymentInformation, Error> {
    client.get_payments(PaymentQuery::by_user(user(), plugin())).await
}

async fn redeem(client: &Client, token: PluginPaymentToken) -> Result<PaymentInformation, Error> {
    client.get_payments(PaymentQuery::by_token(token, plugin())).await
}

const KEY: (&str, &str) = ("X-Figma-Token", "figd_sandbox");

/// A good question, by hand.
fn asking() -> String {
    format!("/v1/payments?user_id=500123&plugin_id={LARGE_ID}")
}

async fn get(sandbox: &Sandbox, target: &str) -> Answer {
    wire::get(&sandbox.base_url(), target, &[KEY]).await.unwrap()
}

#[tokio::test]
async fn every_kind_of_purchase_reads_as_documented() {
    let (sandbox, client) = sandbox().await;
    use PaymentStatus::{Paid, Trial, Unpaid};
    let user = user();
    let plugin = plugin();
    for (purchase, status, date) in [
        (Purchase::unpaid(&user, &plugin), Unpaid, None),
        (Purchase::paid(&user, &plugin, BOUGHT), Paid, Some(BOUGHT)),
        (Purchase::trial(&user, &plugin, BOUGHT), Trial, Some(BOUGHT)),
        (Purchase::refunded(&user, &plugin, BOUGHT), Unpaid, Some(BOUGHT)),
        (Purchase::lapsed(&user, &plugin, BOUGHT), Unpaid, Some(BOUGHT)),
    ] {
        sandbox.set(purchase);
        for shape in [StatusShape::Text, StatusShape::Type, StatusShape::Status] {
            sandbox.configure(|settings| settings.shape = shape);
            let token = sandbox.mint_token(&user, &plugin);
            for payment in [ask(&client).await.unwrap(), redeem(&client, token).await.unwrap()] {
                assert_eq!(payment.payment_status, status);
                assert_eq!(payment.date_of_purchase.as_ref().map(|it| it.as_str()), date);
                assert_eq!(payment.resource(), Some(plugin.clone()));
            }
        }
    }
}

#[tokio::test]
async fn each_shape_is_written_as_its_source_has_it() {
    let (sandbox, _) = sandbox().await;
    sandbox.set(Purchase::paid(&user(), &plugin(), BOUGHT));
    for (shape, written) in [
        (StatusShape::Text, r#""payment_status":"PAID""#),
        (StatusShape::Type, r#""payment_status":{"type":"PAID"}"#),
        (StatusShape::Status, r#""payment_status":{"status":"PAID"}"#),
    ] {
        sandbox.configure(|settings| settings.shape = shape);
        let answer = get(&sandbox, &asking()).await;
        assert_eq!(answer.status, 200);
        assert!(answer.body.contains(written), "{shape:?}: {answer:?}");
    }
}

#[tokio::test]
async fn the_owner_reads_unpaid_and_others_resources_are_refused() {
    let (sandbox, client) = sandbox().await;
    sandbox.set(Purchase::paid(&user(), &plugin(), BOUGHT));
    assert!(ask(&client).await.unwrap().grants_access());
    sandbox.configure(|settings| settings.owner = Some(user()));
    let own = ask(&client).await.unwrap();
    assert_eq!((own.payment_status, own.date_of_purchase), (PaymentStatus::Unpaid, None));

    sandbox.configure(|settings| settings.foreign.extend([plugin()]));
    assert_eq!(ask(&client).await.unwrap_err().kind(), ErrorKind::Forbidden);
    let token = sandbox.mint_token(&user(), &plugin());
    assert_eq!(redeem(&client, token).await.unwrap_err().kind(), ErrorKind::Forbidden);
}

#[tokio::test]
async fn without_a_known_access_token_nothing_is_told() {
    let (sandbox, client) = sandbox().await;
    for header in [
        None,
        Some(("X-Figma-Token", "figd_other")),
        Some(("X-Figma-Token", "figd_sandbox2")),
        Some(("X-Figma-Token", "FIGD_SANDBOX")),
        Some(("X-Figma-Token", "")),
        Some(("Authorization", "Bearer figd_sandbox")),
    ] {
        for target in [&*asking(), "/v1/payments", "/v1/payments?user_id=x"] {
            let headers = Vec::from_iter(header);
            let answer = wire::get(&sandbox.base_url(), target, &headers).await.unwrap();
            assert_eq!(answer.status, 401, "{header:?} {target}");
            let message = "Token is missing or incorrect";
            assert_eq!(answer.json(), json!({ "error": true, "status": 401, "message": message }));
        }
    }
    // Tokens live 90 days; the next one is made before the last one ends.
    let next = PersonalAccessToken::new("figd_next").unwrap();
    assert_eq!(get(&sandbox, &asking()).await.status, 200);
    sandbox.configure(|settings| settings.access_tokens = vec![next.clone()]);
    assert_eq!(ask(&client).await.unwrap_err().kind(), ErrorKind::Unauthorized);
    client.set_access_token(next).unwrap();
    ask(&client).await.unwrap();
}

#[tokio::test]
async fn anything_but_one_valid_way_to_ask_is_400_and_says_why() {
    let (sandbox, _) = sandbox().await;
    sandbox.mint_token(&user(), &plugin());
    for (query, why) in [
        ("", "no parameter is given"),
        ("plugin_id=1", "without a user"),
        ("user_id=1", "without a resource"),
        ("user_id=1&plugin_id=1&widget_id=1", "several resources"),
        ("user_id=1&plugin_id=1&community_file_id=1", "several resources"),
        ("user_id=1&plugin_id=1&plugin_id=1", "plugin_id is given twice"),
        ("user_id=1&user_id=1&plugin_id=1", "user_id is given twice"),
        ("user_id=&plugin_id=1", "user_id is empty"),
        ("user_id=1&plugin_id=", "plugin_id is empty"),
        ("user_id=1&plugin_id=1.5", "other than digits"),
        ("user_id=1&plugin_id=-1", "other than digits"),
        ("user_id=1&plugin_id=1e3", "other than digits"),
        ("user_id=1&plugin_id=123456789012345678901", "more than 20 digits"),
        ("user_id=x&plugin_id=1", "other than digits"),
        ("user_id=%00&plugin_id=1", "other than digits"),
        ("plugin_payment_token=", "plugin_payment_token is empty"),
        ("plugin_payment_token=%20", "is empty"),
        ("plugin_payment_token=a%0Ab", "control character"),
        ("plugin_payment_token=ppt_sandbox_1&user_id=1", "token and ids are given together"),
        ("plugin_payment_token=ppt_sandbox_1&plugin_id=1", "token and ids are given together"),
        (
            "plugin_payment_token=ppt_sandbox_1&user_id=1&plugin_id=1",
            "token and ids are given together",
        ),
        ("USER_ID=1&PLUGIN_ID=1", "no parameter is given"),
    ] {
        let answer = get(&sandbox, &format!("/v1/payments?{query}")).await;
        assert_eq!(answer.status, 400, "{query}: {answer:?}");
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(message.starts_with("Invalid parameter: "), "{query}: {message}");
        assert!(message.contains(why), "{query}: {message}");
    }
    for path in ["/", "/v1", "/v1/payments/", "/v1/Payments", "//v1/payments", "/v2/payments"] {
        assert_eq!(get(&sandbox, path).await.status, 404, "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"] {
        let answer = wire::send(&sandbox.base_url(), method, &asking(), &[KEY], "").await.unwrap();
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), Some("GET"));
    }
}

#[tokio::test]
async fn payment_tokens_expire_and_may_be_good_once() {
    let (sandbox, client) = sandbox().await;
    let minute = Duration::from_secs(60);
    let token = sandbox.mint_token_for(&user(), &plugin(), minute);
    sandbox.advance(minute - Duration::from_nanos(1));
    redeem(&client, token.clone()).await.unwrap();
    redeem(&client, token.clone()).await.unwrap();
    sandbox.advance(Duration::from_nanos(1));
    let error = redeem(&client, token).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);

    let lifetime = Duration::from_secs(5);
    sandbox.configure(|settings| settings.token_lifetime = lifetime);
    sandbox.configure(|settings| settings.single_use_tokens = true);
    let (once, late) =
        (sandbox.mint_token(&user(), &plugin()), sandbox.mint_token(&user(), &plugin()));
    redeem(&client, once.clone()).await.unwrap();
    assert_eq!(redeem(&client, once).await.unwrap_err().kind(), ErrorKind::Unauthorized);
    sandbox.advance(lifetime);
    assert_eq!(redeem(&client, late).await.unwrap_err().kind(), ErrorKind::Unauthorized);

    let known = PluginPaymentToken::new("ppt_known").unwrap();
    assert_eq!(redeem(&client, known.clone()).await.unwrap_err().kind(), ErrorKind::Unauthorized);
    sandbox.accept_token(known.clone(), &user(), &Resource::plugin("1").unwrap(), minute);
    assert_eq!(redeem(&client, known).await.unwrap_err().kind(), ErrorKind::Mismatch);
}

#[tokio::test]
async fn the_limits_are_leaky_buckets_and_say_how_long_to_wait() {
    let (sandbox, client) = sandbox().await;
    let mut view = FigmaLimits::view_seat();
    view.plan_tier = "starter".to_owned();
    sandbox.configure(|settings| settings.limits = view);
    for call in 0..10 {
        let answer = ask(&client).await;
        assert!(answer.is_ok(), "call {call}: {answer:?}");
    }
    let error = ask(&client).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::RateLimited, Some(429)));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(6)));
    assert_eq!(error.api_message(), Some("Rate limit exceeded. Please wait before retrying."));
    let limit = error.rate_limit().unwrap();
    assert_eq!(limit.plan_tier.as_deref(), Some("starter"));
    assert_eq!(limit.limit_type.as_deref(), Some("low"));
    assert_eq!(limit.upgrade_link.as_deref(), Some("https://www.figma.com/pricing"));

    // What waits as long as it was told is served, once.
    sandbox.advance(Duration::from_millis(5_999));
    assert_eq!(ask(&client).await.unwrap_err().retry_after(), Some(Duration::from_secs(1)));
    sandbox.advance(Duration::from_millis(1));
    ask(&client).await.unwrap();
    assert_eq!(ask(&client).await.unwrap_err().kind(), ErrorKind::RateLimited);

    // The other way to ask has a bucket of its own, and so has another token.
    for call in 0..300 {
        let token = sandbox.mint_token(&user(), &plugin());
        let answer = redeem(&client, token).await;
        assert!(answer.is_ok(), "call {call}: {answer:?}");
    }
    let token = sandbox.mint_token(&user(), &plugin());
    assert_eq!(redeem(&client, token).await.unwrap_err().kind(), ErrorKind::RateLimited);
    let other = PersonalAccessToken::new("figd_other").unwrap();
    sandbox.configure(|settings| settings.access_tokens.push(other.clone()));
    ask(&self::client(&sandbox, other)).await.unwrap();

    // A bucket does not grow beyond its size.
    sandbox.advance(Duration::from_secs(3600));
    for _ in 0..10 {
        ask(&client).await.unwrap();
    }
    assert_eq!(ask(&client).await.unwrap_err().kind(), ErrorKind::RateLimited);
    sandbox.configure(|settings| settings.limits = FigmaLimits::none());
    ask(&client).await.unwrap();
}

#[tokio::test]
async fn every_documented_error_comes_when_it_is_asked_for() {
    let (sandbox, _) = sandbox().await;
    for (status, message) in [
        (400, "Invalid parameter"),
        (401, "Token is missing or incorrect"),
        (403, "Forbidden"),
        (404, "Not found"),
        (429, "Rate limit exceeded. Please wait before retrying."),
        (500, "Internal server error"),
        (503, "Internal server error"),
    ] {
        sandbox.inject(Fault::Status(status), Calls::Next(1));
        let answer = get(&sandbox, &asking()).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.json(), json!({ "error": true, "status": status, "message": message }));
        assert_eq!(get(&sandbox, &asking()).await.status, 200, "once, and no more");
    }
}

#[tokio::test]
async fn faults_happen_on_the_wire_and_use_up_what_a_lost_answer_does() {
    let (sandbox, client) = sandbox().await;
    sandbox.configure(|settings| settings.single_use_tokens = true);
    let token = || sandbox.mint_token(&user(), &plugin());
    for (fault, kind) in
        [(Fault::WrongUser, ErrorKind::Mismatch), (Fault::WrongResource, ErrorKind::Mismatch)]
    {
        sandbox.inject(fault, Calls::Next(1));
        let query = PaymentQuery::by_token(token(), plugin()).expecting_user(user());
        assert_eq!(client.get_payments(query).await.unwrap_err().kind(), kind);
    }
    // By hand, so that nothing is asked again.
    let fetch = async |token: &str| {
        let target = format!("/v1/payments?plugin_payment_token={token}");
        wire::get(&sandbox.base_url(), &target, &[KEY]).await
    };
    for (fault, used_up) in
        [(Fault::Reset, true), (Fault::CutBody, true), (Fault::Status(503), false)]
    {
        let text = format!("ppt_{fault:?}").replace(['(', ')'], "");
        let token = PluginPaymentToken::new(&*text).unwrap();
        sandbox.accept_token(token, &user(), &plugin(), Duration::from_secs(60));
        sandbox.inject(fault.clone(), Calls::Next(1));
        assert_eq!(fetch(&text).await.is_err(), used_up, "{fault:?}");
        let again = fetch(&text).await.unwrap();
        assert_eq!(again.status == 401, used_up, "{fault:?}: {again:?}");
    }
    let delay = Duration::from_millis(120);
    sandbox.inject(Fault::Delay(delay), Calls::Next(1));
    let begun = std::time::Instant::now();
    ask(&client).await.unwrap();
    assert!(begun.elapsed() >= delay);
}

#[tokio::test]
async fn a_share_of_the_calls_fails_and_the_seed_says_which() {
    let pattern = async |seed: u64| {
        let (sandbox, _) = sandbox().await;
        sandbox.configure(|settings| settings.limits = FigmaLimits::none());
        sandbox.inject(Fault::Status(500), Calls::Share { share: 0.25, seed });
        let mut failed = Vec::new();
        for call in 0..400 {
            if get(&sandbox, &asking()).await.status == 500 {
                failed.push(call);
            }
        }
        sandbox.clear_faults();
        assert_eq!(get(&sandbox, &asking()).await.status, 200);
        failed
    };
    let first = pattern(7).await;
    let again = pattern(7).await;
    let other = pattern(8).await;
    assert_eq!(first, again);
    assert_ne!(first, other);
    assert!((70..130).contains(&first.len()), "{} of 400", first.len());
}

#[tokio::test]
async fn it_remembers_what_it_saw_and_no_more_than_it_says() {
    let (sandbox, client) = sandbox().await;
    ask(&client).await.unwrap();
    let seen = sandbox.requests();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].path(), "/v1/payments");
    assert_eq!(seen[0].headers["x-figma-token"], "figd_sandbox");
    assert!(!format!("{sandbox:?}").contains("figd_"));
    for _ in 0..Figma::REMEMBERED {
        sandbox.figma().answer(&seen[0]);
    }
    assert_eq!(sandbox.requests().len(), Figma::REMEMBERED);
    assert_eq!(sandbox.dropped_requests(), 1, "by their number");
    sandbox.clear_requests();
    assert!(sandbox.requests().is_empty());
}

/// What a request takes on the wire, more or less.
fn size(request: &figma_payments::sandbox::Request) -> usize {
    let headers = request.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
    request.target.len() + request.body.len() + headers.sum::<usize>()
}

#[tokio::test]
async fn the_request_log_has_a_bound_in_bytes_and_the_oldest_go_first() {
    const SENT: usize = 400;
    let (sandbox, _) = sandbox().await;
    get(&sandbox, "/").await;
    let mut large = sandbox.requests().remove(0);
    for request in 0..SENT {
        large.body = "x".repeat(60_000).into();
        large.target = format!("/{request}");
        sandbox.figma().answer(&large);
    }
    let kept = sandbox.requests();
    let bytes: usize = kept.iter().map(size).sum();
    assert!(bytes <= 16 << 20, "{bytes} bytes");
    assert!(bytes > 15 << 20, "no more are dropped than need be: {bytes} bytes");
    let first = SENT - kept.len();
    for (request, kept) in (first..).zip(&kept) {
        assert_eq!(kept.target, format!("/{request}"));
    }
}

#[tokio::test]
async fn the_bound_of_the_request_log_is_a_setting_and_what_is_missing_is_counted() {
    let (sandbox, _) = sandbox().await;
    let wide = "x".repeat(1_000);
    let ask = async |request: usize| {
        let target = format!("/{request}?{wide}");
        wire::get(&sandbox.base_url(), &target, &[KEY]).await.unwrap();
    };
    for request in 0..10 {
        ask(request).await;
    }
    assert_eq!((sandbox.requests().len(), sandbox.dropped_requests()), (10, 0));
    // It counts from the moment it is set.
    sandbox.configure(|settings| settings.request_log_bytes = 6_000);
    let kept = sandbox.requests();
    assert!((2..6).contains(&kept.len()), "{} of 10", kept.len());
    assert_eq!(sandbox.dropped_requests(), 10 - kept.len() as u64);
    assert!(kept.last().unwrap().target.starts_with("/9?"));
    ask(10).await;
    assert_eq!(sandbox.requests().len(), kept.len());
    assert_eq!(sandbox.dropped_requests(), 11 - kept.len() as u64);

    sandbox.clear_requests();
    assert_eq!((sandbox.requests().len(), sandbox.dropped_requests()), (0, 0));
    sandbox.configure(|settings| settings.request_log_bytes = 0);
    ask(11).await;
    assert_eq!((sandbox.requests().len(), sandbox.dropped_requests()), (0, 1));
}

#[test]
fn a_purchase_reads_strictly_and_writes_what_it_reads() {
    let line = r#"{"user_id":"500123","widget_id":"7","payment_status":"TRIAL","date_of_purchase":"2024-06-15T14:30:00.25Z"}"#;
    let purchase: Purchase = serde_json::from_str(line).unwrap();
    assert_eq!(serde_json::to_string(&purchase).unwrap(), line);
    assert_eq!(purchase.resource, Resource::widget("7").unwrap());
    let full = |key: &str, value: &str| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        line[key] = serde_json::from_str(value).unwrap();
        serde_json::from_value::<Purchase>(line).unwrap_err().to_string()
    };
    for (key, value, why) in [
        ("payment_status", r#""paid""#, "has to be one of PAID, TRIAL, UNPAID, NOT_SUPPORTED"),
        ("date_of_purchase", r#""2024-06-15""#, "a UTC timestamp like"),
        ("date_of_purchase", r#""2024-13-15T14:30:00Z""#, "a UTC timestamp like"),
        ("date_of_purchase", r#""2024-06-15T14:30:00+02:00""#, "a UTC timestamp like"),
        ("plugin_id", r#""8""#, "several resources"),
        ("user_id", "500123", "expected a string"),
        ("user_id", r#""x""#, "digits are expected"),
        ("status", r#""PAID""#, "unknown field `status`"),
    ] {
        let message = full(key, value);
        assert!(message.contains(why), "{key} {value}: {message}");
    }
}

#[test]
fn the_defaults_are_the_published_limits() {
    let limits = Settings::default().limits;
    assert_eq!(limits.by_token, Quota::per_minute(300));
    assert_eq!(limits.by_user, Quota::per_minute(50));
    assert_eq!(FigmaLimits::view_seat().by_user, Quota::per_minute(10));
}

#[tokio::test]
async fn a_429_asks_to_wait_as_long_as_a_test_says() {
    let (sandbox, client) = sandbox().await;
    for (wait, seconds) in [(30_000, 30), (1, 1), (1_500, 2), (396_749_000, 396_749)] {
        sandbox.inject(Fault::RateLimited(Duration::from_millis(wait)), Calls::Next(1));
        // A new one, because the 429 makes a client pause.
        let paused = self::client(&sandbox, sandbox.access_token());
        let error = ask(&paused).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::RateLimited, 1));
        assert_eq!(error.retry_after(), Some(Duration::from_secs(seconds)));
        assert!(error.rate_limit().is_some());
    }
    assert!(ask(&client).await.is_ok(), "only the next call");
}

#[tokio::test]
async fn a_fault_of_all_calls_lasts_until_it_is_cleared() {
    let (sandbox, client) = sandbox().await;
    sandbox.inject(Fault::Status(503), Calls::All);
    for _ in 0..50 {
        assert_eq!(ask(&client).await.unwrap_err().status(), Some(503));
    }
    sandbox.clear_faults();
    assert!(ask(&client).await.is_ok());
}

#[tokio::test]
async fn requests_are_recorded_whoever_answers_them() {
    let address = ([127, 0, 0, 1], 0).into();
    let also = |figma: &Figma, request: &Request| match request.path() {
        "/own" => Some(Reply::json(200, "{}")),
        "/secret" => Some(Reply::json(200, "{}").not_recorded()),
        "/v1/payments" => Some(figma.answer(request).after(Duration::from_millis(1))),
        _ => None,
    };
    let sandbox = Sandbox::start_at(address, also).await.unwrap();
    for path in ["/own", "/secret", "/v1/payments", "/other"] {
        get(&sandbox, path).await;
    }
    let requests = sandbox.requests();
    let paths: Vec<&str> = requests.iter().map(|request| request.path()).collect();
    assert_eq!(paths, ["/own", "/v1/payments", "/other"]);
}

#[tokio::test]
async fn requests_have_numbers_and_the_status_of_their_answer() {
    let (sandbox, client) = sandbox().await;
    let figma = sandbox.figma();
    ask(&client).await.unwrap();
    sandbox.inject(Fault::Status(503), Calls::Next(1));
    sandbox.inject(Fault::Reset, Calls::Next(2));
    for path in ["/v1/payments?a=1", "/v1/payments?a=2"] {
        let _ = wire::get(&sandbox.base_url(), path, &[]).await;
    }
    get(&sandbox, "/other").await;
    let seen = figma.exchanges_from(0);
    let outcomes: Vec<_> = seen.iter().map(|it| (it.number, it.status)).collect();
    assert_eq!(outcomes, [(1, Some(200)), (2, None), (3, None), (4, Some(404))]);
    assert!(seen.iter().all(|it| it.received.elapsed().unwrap() < Duration::from_secs(60)));
    assert_eq!(figma.exchanges_from(4)[0].request.path(), "/other");
    let body: Value = serde_json::from_slice(&seen[0].body).unwrap();
    assert_eq!(body["meta"]["payment_status"], "UNPAID");
    assert!(seen[1].body.is_empty());
    assert!(figma.exchanges_from(5).is_empty() && figma.exchanges_from(u64::MAX).is_empty());
    assert_eq!(figma.exchange_numbers(), 1..5);

    sandbox.clear_requests();
    assert_eq!(figma.exchange_numbers(), 5..5);
    get(&sandbox, "/").await;
    assert_eq!(figma.exchanges_from(0)[0].number, 5, "no number is given twice");
}

#[tokio::test]
async fn faults_are_listed_and_removed_one_by_one() {
    let (sandbox, client) = sandbox().await;
    let figma = sandbox.figma();
    let share = Calls::Share { share: 0.0, seed: 7 };
    let next = sandbox.inject(Fault::Delay(Duration::ZERO), Calls::Next(2));
    let never = sandbox.inject(Fault::Reset, share.clone());
    let always = sandbox.inject(Fault::Status(503), Calls::All);
    let listed = || {
        let listed = figma.faults().into_iter();
        listed.map(|it| (it.id, it.fault, it.calls)).collect::<Vec<_>>()
    };
    let delay = Fault::Delay(Duration::ZERO);
    let after = [
        (next, delay, Calls::Next(1)),
        (never, Fault::Reset, share),
        (always, Fault::Status(503), Calls::All),
    ];
    assert!(ask(&client).await.is_err());
    assert_eq!(listed(), after);
    assert!(figma.remove_fault(always) && !figma.remove_fault(always));
    assert!(ask(&client).await.is_ok());
    assert_eq!(listed(), after[1..2], "the delay has no call left");
    sandbox.clear_faults();
    sandbox.inject(Fault::Reset, Calls::Next(0));
    assert_eq!(listed(), []);
    assert!(sandbox.inject(Fault::Reset, Calls::All) > always, "no id is given twice");
}

#[tokio::test]
async fn a_payment_token_can_be_looked_up_while_it_can_be_used() {
    let (sandbox, client) = sandbox().await;
    let (figma, plugin) = (sandbox.figma(), Resource::plugin("7").unwrap());
    let token = sandbox.mint_token_for(&UserId::from(1), &plugin, Duration::from_secs(60));
    sandbox.advance(Duration::from_secs(20));
    let valid = figma.valid_token(&token).unwrap();
    assert_eq!((valid.user, &valid.resource), (UserId::from(1), &plugin));
    assert_eq!(valid.valid_for, Duration::from_secs(40));
    assert!(figma.valid_token(&PluginPaymentToken::new("ppt_other").unwrap()).is_none());

    let once = sandbox.mint_token(&UserId::from(1), &plugin);
    sandbox.configure(|settings| settings.single_use_tokens = true);
    client.get_payments(PaymentQuery::by_token(once.clone(), plugin)).await.unwrap();
    assert!(figma.valid_token(&once).is_none(), "it is used up");
    sandbox.advance(Duration::from_secs(40));
    assert!(figma.valid_token(&token).is_none(), "it has expired");
}

#[tokio::test]
async fn the_used_quota_goes_up_with_each_query_and_down_with_time() {
    let (sandbox, client) = sandbox().await;
    let used = |asked_by| sandbox.figma().used_quota(asked_by);
    assert_eq!((used(AskedBy::User), used(AskedBy::Token)), (0, 0));
    for queries in 1..=50 {
        ask(&client).await.unwrap();
        assert_eq!(used(AskedBy::User), queries);
    }
    assert_eq!(used(AskedBy::Token), 0);
    sandbox.advance(Duration::from_secs(30));
    assert_eq!(used(AskedBy::User), 25);
    sandbox.advance(Duration::from_secs(30));
    assert_eq!(used(AskedBy::User), 0);
    sandbox.configure(|settings| settings.limits = FigmaLimits::none());
    ask(&client).await.unwrap();
    assert_eq!(used(AskedBy::User), 0, "there is no quota");
}
