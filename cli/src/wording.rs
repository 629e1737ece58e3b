//! What the library says about its settings, in words of this program: no setting is
//! named that is no option or variable here.

use figma_payments::Error;

/// What the library says, and what the program says instead. In this order.
const REWORDED: [(&str, &str); 11] = [
    ("the settings `base_url` and `user_agent` do not", "--base-url does not"),
    ("; check both", ""),
    (" (call `allow_plain_http(true)` if you want that)", ""),
    ("`base_url`", "--base-url"),
    ("the secret of `sealed`", "FIGMA_PAYMENTS_REDIS_SECRET"),
    ("than `connect_timeout`; check the network, or set a longer time", "than it may"),
    (" (`timeout`, or what was left of `deadline`)", ""),
    ("ask less often, or raise `rate_limits` or `deadline`", "ask again later"),
    ("ask less often, or raise `deadline`", "ask again later"),
    ("rate limit `by_user`", "rate limit of questions by user"),
    ("rate limit `by_token`", "rate limit of questions by payment token"),
];

/// The text of an error of the library.
pub fn text(error: &Error) -> String {
    REWORDED
        .iter()
        .fold(error.to_string(), |text, (library, program)| text.replace(library, program))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use figma_payments::sandbox::{Gate, Reply, ScriptedServer};
    use figma_payments::{
        Client, ClientBuilder, PaymentQuery, PersonalAccessToken, RateLimits, Resource, UserId,
    };

    use super::*;

    fn builder(base_url: &str) -> ClientBuilder {
        Client::builder(PersonalAccessToken::new("figd_x").unwrap()).base_url(base_url)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_setting_of_the_library_is_named() {
        let gate = Gate::new();
        let silent =
            ScriptedServer::start(move |_| Reply::json(200, "{}").behind(&gate)).await.unwrap();
        let client = builder(&silent.base_url());
        let client =
            client.timeout(Duration::from_millis(50)).rate_limits(RateLimits::default().by_user(1));
        let client = client.build().unwrap();
        let query = PaymentQuery::by_user(UserId::from(1), Resource::plugin("1").unwrap());
        for (error, expected) in [
            (
                builder("http://example.com").build().unwrap_err(),
                "--base-url is plain http:// to another machine, so everyone on the way could read the access token; use",
            ),
            (
                builder("ftp://example.com").build().unwrap_err(),
                "--base-url does not begin with http:// or https://; use",
            ),
            (
                client.get_payments(&query).await.unwrap_err(),
                "no response: the attempt took longer than 50ms",
            ),
            (
                client.get_payments(&query).await.unwrap_err(),
                "your rate limit of questions by user is 1 a minute",
            ),
            (client.get_payments(&query).await.unwrap_err(), "; ask again later"),
        ] {
            let text = text(&error);
            assert!(text.contains(expected) && !text.contains('`'), "{expected}: {text}");
        }
    }

    /// What no test brings about still stands in the library as it is reworded here.
    #[test]
    fn the_library_says_what_is_reworded() {
        let sources = [
            include_str!("../../src/client/builder.rs"),
            include_str!("../../src/client/decode/mod.rs"),
            include_str!("../../src/client/rate_limiter/local.rs"),
            include_str!("../../src/client/rate_limiter/fleet.rs"),
            include_str!("../../src/store/redis/builder.rs"),
        ];
        for (library, _) in REWORDED {
            let stem = library.replace("by_user", "{setting}").replace("by_token", "{setting}");
            let found = sources.iter().any(|source| source.contains(&stem));
            assert!(found, "the library no longer says: {library}");
        }
    }
}
