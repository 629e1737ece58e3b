//! The picture in `docs/production.md`.

use std::time::Duration;

use figma_payments::sandbox::{FigmaLimits, Sandbox};
use figma_payments::{Client, ErrorKind, PaymentQuery, RateLimits, Resource, UserId};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use crate::page::read;

const BUYERS: usize = 10;
const PER_MINUTE: u32 = 10;

#[tokio::test]
async fn ten_buyers_at_once_get_what_the_page_shows() {
    let page = read("docs/production.md");
    assert!(page.contains(&format!("\nby_token({PER_MINUTE}) ")));
    let plugin = Resource::plugin("1122334455").unwrap();
    for (burst, answered, refused) in [(None, 10, 0), (Some(3), 3, 6), (Some(1), 1, 8)] {
        let sandbox = Sandbox::start().await.unwrap();
        sandbox.configure(|settings| settings.limits = FigmaLimits::none());
        let limits = RateLimits::default().by_token(PER_MINUTE);
        let client = Client::builder(sandbox.access_token())
            .base_url(sandbox.base_url())
            .rate_limits(burst.map_or(limits, |burst| limits.by_token_burst(burst)))
            .build()
            .unwrap();
        let calls = (0..BUYERS as u64).map(|user| {
            let token = sandbox.mint_token(&UserId::from(user), &plugin);
            client.get_payments(PaymentQuery::by_token(token, plugin.clone()))
        });
        let mut calls: FuturesUnordered<_> = calls.collect();

        let at_once: Vec<_> = calls.by_ref().take(answered + refused).collect().await;
        let errors: Vec<_> = at_once.into_iter().filter_map(Result::err).collect();
        assert_eq!(errors.len(), refused);
        for error in errors {
            assert_eq!((error.kind(), error.attempts()), (ErrorKind::RateLimited, 0));
            assert_eq!(error.suggested_status(), 503);
            assert_eq!(error.suggested_retry_after(Duration::from_secs(60)), Some(12));
        }
        assert_eq!(sandbox.requests().len(), answered);
        // The one who gets the slot at 6 s.
        assert_eq!(calls.len(), BUYERS - answered - refused);

        let row = |sign: &str, buyers, word| {
            let row = format!("{:<11}{buyers:>3} {word}", sign.repeat(buyers));
            assert!(page.contains(&row), "docs/production.md does not have the row {row}");
        };
        row("#", answered, "answered");
        if let Some(burst) = burst {
            row(".", refused, "refused");
            assert!(page.contains(&format!(".by_token_burst({burst})")));
        }
    }
}
