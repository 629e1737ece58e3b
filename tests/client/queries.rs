//! The question: exactly one way to ask, ids as text, and clear refusals before
//! anything is sent.

use std::collections::BTreeMap;

use figma_payments::{
    CommunityFileId, Error, ErrorKind, PaymentParams, PaymentQuery, PersonalAccessToken, PluginId,
    PluginPaymentToken, Resource, ResourceType, UserId, WidgetId,
};
use serde_json::json;

use crate::support::{self, LARGE_ID, answering, client, paid_but, payment_token, user};

/// The parameters of a request target, decoded.
fn parameters(target: &str) -> BTreeMap<String, String> {
    let url = reqwest::Url::parse(&format!("http://localhost{target}")).unwrap();
    url.query_pairs().into_owned().collect()
}

async fn asks(query: PaymentQuery, expected: &[(&str, &str)]) {
    let server = answering(500, "").await;
    client(&server).get_payments(query).await.unwrap_err();
    let requests = server.requests();
    let expected = expected.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    assert_eq!(parameters(&requests[0].target), expected.collect());
    assert!(requests[0].target.starts_with("/v1/payments?"));
}

#[tokio::test]
async fn every_way_to_ask_sends_its_parameters_and_no_other() {
    let kinds = [
        (Resource::plugin(LARGE_ID), "plugin_id"),
        (Resource::widget(LARGE_ID), "widget_id"),
        (Resource::community_file(LARGE_ID), "community_file_id"),
    ];
    for (resource, name) in kinds {
        let query = PaymentQuery::by_user(user(), resource.unwrap());
        asks(query, &[("user_id", "500123"), (name, LARGE_ID)]).await;
    }
    let token = [("plugin_payment_token", support::PAYMENT_TOKEN)];
    asks(support::by_token(), &token).await;
    asks(PaymentQuery::by_token_any_resource(payment_token()), &token).await;
    asks(support::by_token().expecting_user(user()), &token).await;
}

#[tokio::test]
async fn large_ids_arrive_digit_for_digit_through_untyped_parameters() {
    for name in ["plugin_id", "widget_id", "community_file_id"] {
        let params = json!({ "user_id": LARGE_ID, name: LARGE_ID });
        let params: PaymentParams = serde_json::from_value(params).unwrap();
        let expected = [("user_id", LARGE_ID), (name, LARGE_ID)];
        asks(params.try_into().unwrap(), &expected).await;
    }
}

/// One of the 32 combinations of the five parameters.
fn combination(bits: u8) -> PaymentParams {
    let value = |bit: u8, text: &str| (bits & (1 << bit) != 0).then(|| text.to_owned());
    let mut params = PaymentParams::default();
    params.plugin_payment_token = value(0, "ppt_1");
    params.user_id = value(1, "1");
    params.community_file_id = value(2, "2");
    params.plugin_id = value(3, "3");
    params.widget_id = value(4, "4");
    params
}

#[test]
fn four_of_the_32_combinations_are_questions_and_28_say_why_not() {
    let mut accepted = Vec::new();
    let mut refused = 0;
    for bits in 0..32u8 {
        match PaymentQuery::try_from(combination(bits)) {
            Ok(_) => accepted.push(bits),
            Err(error) => {
                refused += 1;
                assert_eq!(error.kind(), ErrorKind::InvalidQuery);
                assert_eq!(error.attempts(), 0);
                let token = bits & 1 != 0;
                let user = bits & 2 != 0;
                let resources = (bits >> 2).count_ones();
                let why = match (token, user, resources) {
                    (false, false, 0) => "no parameter is given (given: nothing)",
                    (true, _, _) => "a payment token and ids are given together",
                    (_, _, 2..) => "several resources are given",
                    (_, true, _) => "a user is given without a resource (given: user_id)",
                    (_, false, _) => "a resource is given without a user",
                };
                let message = error.to_string();
                assert!(message.contains(why), "{bits:05b}: {message}");
                assert!(message.contains("give either plugin_payment_token alone, or"));
                for (bit, name) in [(0, "plugin_payment_token"), (3, "plugin_id")] {
                    let given = message.split("; give").next().unwrap();
                    assert_eq!(bits & (1 << bit) != 0, given.contains(name), "{message}");
                }
            }
        }
    }
    assert_eq!(accepted, [0b00001, 0b00110, 0b01010, 0b10010]);
    assert_eq!(refused, 28);
}

#[test]
fn empty_parameters_are_named() {
    for name in ["plugin_payment_token", "user_id", "plugin_id"] {
        let params: PaymentParams = serde_json::from_value(json!({ name: "" })).unwrap();
        let error = PaymentQuery::try_from(params).unwrap_err();
        assert!(error.to_string().contains(&format!("{name} is empty")), "{error}");
    }
}

#[test]
fn the_ids_of_untyped_parameters_are_checked() {
    for (user, plugin, expected) in [
        ("abc", "1", "the user id has something other than digits"),
        ("1", "1.5e3", "the plugin id has something other than digits"),
        (" 1", "1", "the user id has white space around it"),
    ] {
        let mut params = PaymentParams::default();
        params.user_id = Some(user.into());
        params.plugin_id = Some(plugin.into());
        let error = PaymentQuery::try_from(params).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn untyped_parameters_do_not_show_the_token() {
    let printed = format!("{:?}", combination(0b00011));
    assert_eq!(printed, r#"{"plugin_payment_token", "user_id"}"#);
}

/// A line of code that compiles only if the type is not `Serialize`: otherwise the
/// compiler cannot tell which of the two implementations is meant.
trait NotSerialize<Marker> {
    fn holds() {}
}

impl<T> NotSerialize<()> for T {}
impl<T: serde::Serialize> NotSerialize<u8> for T {}

#[test]
fn untyped_parameters_cannot_be_written_out_with_their_token() {
    <PaymentParams as NotSerialize<_>>::holds();
}

#[test]
fn queries_are_compared_by_what_they_ask() {
    let others = [
        support::by_token(),
        support::by_user().expecting_user(user()),
        PaymentQuery::by_user(UserId::from(7), support::plugin()),
        PaymentQuery::by_user(user(), Resource::plugin("7").unwrap()),
    ];
    assert_eq!(support::by_user(), support::by_user());
    for other in others {
        assert_ne!(support::by_user(), other);
    }
}

#[tokio::test]
async fn a_query_that_names_two_users_is_never_sent() {
    let server = answering(200, support::paid()).await;
    let query = support::by_user().expecting_user(UserId::from(7));
    let error = client(&server).get_payments(query).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::InvalidQuery, 0), "{error}");
    assert!(error.to_string().contains("expecting_user"), "{error}");
    assert!(server.requests().is_empty());
}

#[test]
fn ids_are_taken_where_text_is() {
    fn length(text: impl AsRef<str>) -> usize {
        text.as_ref().len()
    }
    assert_eq!(length(UserId::from(500123)), 6);
    assert_eq!(length(PluginId::from(42)), 2);
    assert_eq!(length(WidgetId::from(7)), 1);
    assert_eq!(length(CommunityFileId::from(7)), 1);
    assert_eq!(Resource::plugin(PluginId::from(42)).unwrap().id(), "42");
}

#[cfg(feature = "schemars")]
#[test]
fn the_schema_of_an_id_is_text_of_1_to_20_digits() {
    let expected = json!({ "type": "string", "pattern": "^[0-9]{1,20}$" });
    for (name, schema) in [
        ("UserId", schemars::schema_for!(UserId)),
        ("PluginId", schemars::schema_for!(PluginId)),
        ("WidgetId", schemars::schema_for!(WidgetId)),
        ("CommunityFileId", schemars::schema_for!(CommunityFileId)),
    ] {
        assert_eq!(schema.get("title"), Some(&json!(name)));
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(schema.get(key), Some(value), "{name}: {key}");
        }
    }
}

#[test]
fn an_id_is_1_to_20_digits() {
    for good in ["0", "7", LARGE_ID, "18446744073709551615", "00000000000000000000"] {
        assert_eq!(good.parse::<UserId>().unwrap().as_str(), good);
        assert_eq!(PluginId::try_from(good).unwrap().to_string(), good);
        assert_eq!(WidgetId::try_from(good.to_owned()).unwrap().as_str(), good);
        assert_eq!(CommunityFileId::try_from(good).unwrap().as_str(), good);
        assert_eq!(Resource::plugin(good).unwrap().id(), good);
    }
    for (bad, why) in [
        ("", "is empty"),
        (" 1", "white space around it"),
        ("1\n", "white space around it"),
        ("\u{a0}1", "white space around it"),
        ("1 2", "other than digits"),
        ("-1", "other than digits"),
        ("1e5", "other than digits"),
        ("0x10", "other than digits"),
        ("١٢٣", "other than digits"),
        ("123456789012345678901", "more than 20 digits"),
    ] {
        for error in [
            bad.parse::<UserId>().unwrap_err(),
            PluginId::try_from(bad).unwrap_err(),
            WidgetId::try_from(bad).unwrap_err(),
            CommunityFileId::try_from(bad.to_owned()).unwrap_err(),
            Resource::community_file(bad).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidQuery);
            assert!(error.to_string().contains(why), "{bad:?}: {error}");
            assert!(error.to_string().contains("1 to 20 digits"), "{error}");
        }
    }
}

#[test]
fn ids_come_from_integers_and_are_written_as_text() {
    let id = UserId::from(1678669904810665842);
    assert_eq!(id.to_string(), LARGE_ID);
    let text = serde_json::to_string(&id).unwrap();
    assert_eq!(text, format!("\"{LARGE_ID}\""));
    assert_eq!(serde_json::from_str::<UserId>(&text).unwrap(), id);
    assert!(serde_json::from_str::<UserId>(LARGE_ID).is_err(), "a number is not text");
    assert!(serde_json::from_str::<PluginId>("\"x\"").is_err());
    assert_eq!(Resource::from(PluginId::from(7)), Resource::plugin("7").unwrap());
    assert_eq!(Resource::from(WidgetId::from(7)).resource_type(), ResourceType::Widget);
    assert_eq!(Resource::from(CommunityFileId::from(7)).to_string(), "Community file 7");
}

#[test]
fn community_pages_name_their_resource() {
    let plugin = Resource::plugin(LARGE_ID).unwrap();
    let page = format!("https://www.figma.com/community/plugin/{LARGE_ID}");
    for url in [
        page.clone(),
        format!("{page}/"),
        format!("{page}/some-name"),
        format!("{page}/some-name?searchSessionId=1#top"),
        format!("https://figma.com/community/plugin/{LARGE_ID}"),
        format!("HTTPS://WWW.FIGMA.COM/community/plugin/{LARGE_ID}"),
    ] {
        assert_eq!(Resource::from_community_url(&url).unwrap(), plugin, "{url}");
    }
    assert_eq!(
        Resource::from_community_url("https://www.figma.com/community/widget/12/x").unwrap(),
        Resource::widget("12").unwrap()
    );
    assert_eq!(
        Resource::from_community_url("https://www.figma.com/community/file/13").unwrap(),
        Resource::community_file("13").unwrap()
    );
    for (url, why) in [
        ("", "is not a URL"),
        ("www.figma.com/community/plugin/1", "is not a URL"),
        ("https://www.figma.com/community/plugin/1\n2", "white space"),
        (" https://www.figma.com/community/plugin/1", "white space"),
        ("http://www.figma.com/community/plugin/1", "does not lead to Figma's Community"),
        ("https://www.figma.com.example/community/plugin/1", "does not lead to Figma's Community"),
        (
            "https://www.figma.com@example.com/community/plugin/1",
            "does not lead to Figma's Community",
        ),
        ("https://a@www.figma.com/community/plugin/1", "does not lead to Figma's Community"),
        ("https://www.figma.com:8443/community/plugin/1", "does not lead to Figma's Community"),
        ("https://www.figma.com/file/1", "does not lead to Figma's Community"),
        ("https://www.figma.com/", "does not lead to Figma's Community"),
        ("https://www.figma.com/community", "names neither"),
        ("https://www.figma.com/community/plugin", "names neither"),
        ("https://www.figma.com/community/profile/1", "names neither"),
        ("https://www.figma.com/community/plugin/abc", "other than digits"),
        ("https://www.figma.com/community/plugin/", "is empty"),
        ("https://www.figma.com/community/plugin/1%32", "other than digits"),
    ] {
        let error = Resource::from_community_url(url).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidQuery);
        assert!(error.to_string().contains(why), "{url}: {error}");
    }
}

#[test]
fn a_manifest_names_its_plugin_or_widget() {
    let plugin = format!(r#"{{"name": "P", "id": "{LARGE_ID}", "api": "1.0.0"}}"#);
    assert_eq!(Resource::from_manifest(&plugin).unwrap(), Resource::plugin(LARGE_ID).unwrap());
    let with_bom = format!("\u{feff}{plugin}");
    assert_eq!(Resource::from_manifest(with_bom).unwrap(), Resource::plugin(LARGE_ID).unwrap());
    let widget = r#"{"id": "12", "containsWidget": true}"#;
    assert_eq!(Resource::from_manifest(widget).unwrap(), Resource::widget("12").unwrap());
    for (manifest, why) in [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("[]", "has no `id`"),
        ("{}", "has no `id`"),
        (r#"{"id": null}"#, "has no `id`"),
        (r#"{"id": 1678669904810665842}"#, "in quotes"),
        (r#"{"id": ""}"#, "the plugin id is empty"),
        (r#"{"id": "x", "containsWidget": true}"#, "the widget id has something"),
    ] {
        let error = Resource::from_manifest(manifest).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidQuery);
        assert!(error.to_string().contains(why), "{manifest}: {error}");
    }
}

#[test]
fn tokens_are_checked_and_never_printed() {
    for (bad, why) in [
        ("", "is empty"),
        ("figd_a b", "trim it"),
        ("figd_a\n", "trim it"),
        ("figd_é", "trim it"),
        ("figd_\0", "trim it"),
    ] {
        let error = PersonalAccessToken::new(bad).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains(why) && !error.to_string().contains("figd_"));
    }
    let long = "p".repeat(PluginPaymentToken::MAX_BYTES + 1);
    for (bad, why) in [
        ("", "is empty"),
        (" ", "is empty"),
        ("ppt_a\n", "control character"),
        ("ppt_\u{7f}", "control character"),
        (long.as_str(), "longer than 4096 bytes"),
    ] {
        let error = PluginPaymentToken::new(bad).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidQuery);
        assert!(error.to_string().contains(why) && !error.to_string().contains("ppt_"));
    }
    assert!(PluginPaymentToken::new("p".repeat(PluginPaymentToken::MAX_BYTES)).is_ok());
    let printed =
        format!("{:?} {:?} {:?}", support::access_token(), payment_token(), support::by_token());
    assert!(!printed.contains("MARKED"), "{printed}");
}

/// Asks `query` and gets `body` as the answer.
async fn answered(query: PaymentQuery, body: serde_json::Value) -> Result<(), Error> {
    let server = answering(200, body).await;
    client(&server).get_payments(query).await.map(drop)
}

#[tokio::test]
async fn an_answer_to_another_question_is_a_mismatch() {
    let stranger = || UserId::from(7);
    for (query, body) in [
        (support::by_user(), paid_but("/meta/user_id", json!("7"))),
        (support::by_user(), paid_but("/meta/resource_id", json!("7"))),
        (support::by_user(), paid_but("/meta/resource_type", json!("WIDGET"))),
        (support::by_user(), paid_but("/meta/resource_type", json!("SLIDES"))),
        (support::by_user(), paid_but("/meta/user_id", json!("0500123"))),
        (support::by_user(), paid_but("/meta/user_id", json!(""))),
        (support::by_token(), paid_but("/meta/resource_id", json!("7"))),
        (support::by_token(), paid_but("/meta/resource_type", json!("COMMUNITY_FILE"))),
        (support::by_token().expecting_user(stranger()), support::paid()),
        (
            PaymentQuery::by_token_any_resource(payment_token()).expecting_user(stranger()),
            support::paid(),
        ),
    ] {
        let error = answered(query, body.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Mismatch, "{body}: {error}");
        assert!(!error.is_retryable());
    }
}

#[tokio::test]
async fn an_answer_to_the_question_is_no_mismatch() {
    for query in [
        support::by_user(),
        support::by_user().expecting_user(user()),
        support::by_token(),
        support::by_token().expecting_user(user()),
        PaymentQuery::by_token_any_resource(payment_token()),
        PaymentQuery::by_token_any_resource(payment_token()).expecting_user(user()),
    ] {
        answered(query, support::paid()).await.unwrap();
    }
}
