//! The metrics and spans of the cache.

use std::time::{Duration, SystemTime};

use figma_payments::sandbox::{Calls, Fault, Purchase, Sandbox};
use figma_payments::{
    Client, Entitlements, PaymentInformation, PaymentQuery, PaymentStatus, PluginPaymentToken,
    Resource, RetryPolicy, Source, UserId,
};
use futures_util::future::join;
use tracing_subscriber::filter::LevelFilter;

use crate::export::{shown, spans_of};
use crate::page::{Page, recorder};
use crate::run::run;

const ENTRIES: &str = "figma_payments_cache_entries";

fn plugin() -> Resource {
    Resource::plugin("1122334455").unwrap()
}

fn by_user(user: u64) -> PaymentQuery {
    PaymentQuery::by_user(UserId::from(user), plugin())
}

fn forged() -> PaymentQuery {
    PaymentQuery::by_token(PluginPaymentToken::new("ppt_forged").unwrap(), plugin())
}

fn paid(user: u64) -> PaymentInformation {
    PaymentInformation::new(&UserId::from(user), &plugin(), PaymentStatus::Paid)
}

fn client(sandbox: &Sandbox) -> Client {
    let client = Client::builder(sandbox.access_token()).base_url(sandbox.base_url());
    client.retry(RetryPolicy::none()).build().unwrap()
}

/// The counters of the cache: hits, misses, joined, stale, refused tokens.
fn counters(page: &Page) -> [f64; 5] {
    ["hits", "misses", "joined", "stale", "refused_tokens"]
        .map(|name| page.value(&format!("figma_payments_cache_{name}_total")).unwrap())
}

#[test]
fn a_look_and_the_call_that_follows_it_are_one_miss() {
    let page = Page::of(async {
        let sandbox = Sandbox::start().await.unwrap();
        let entitlements = Entitlements::new(client(&sandbox));
        assert!(entitlements.get_cached(by_user(1)).await.is_none());
        entitlements.get(by_user(1)).await.unwrap();
        assert!(entitlements.get_cached(by_user(1)).await.is_some());
        entitlements.get(by_user(1)).await.unwrap();
    });
    assert_eq!(counters(&page), [2.0, 1.0, 0.0, 0.0, 0.0]);
}

#[test]
fn a_call_that_joins_another_ones_question_is_a_miss_too() {
    let page = Page::of(async {
        let sandbox = Sandbox::start().await.unwrap();
        let entitlements = Entitlements::new(client(&sandbox));
        let both = join(entitlements.get(by_user(1)), entitlements.get(by_user(1)));
        both.await.0.unwrap();
        assert_eq!(sandbox.requests().len(), 1);
    });
    assert_eq!(counters(&page), [0.0, 2.0, 1.0, 0.0, 0.0]);
}

#[test]
fn a_stale_answer_is_a_miss_too() {
    let page = Page::of(async {
        let sandbox = Sandbox::start().await.unwrap();
        let entitlements = Entitlements::builder(client(&sandbox));
        let entitlements = entitlements.stale_if_error(Duration::from_secs(3600)).build();
        let half_an_hour_ago = SystemTime::now() - Duration::from_secs(1800);
        entitlements.prime_at(paid(1), half_an_hour_ago).await;
        sandbox.inject(Fault::Status(503), Calls::Next(1));
        let stale = entitlements.get(by_user(1)).await.unwrap();
        assert_eq!(stale.source, Source::Stale);
    });
    assert_eq!(counters(&page), [0.0, 1.0, 0.0, 1.0, 0.0]);
}

#[test]
fn a_token_that_was_refused_just_before_is_neither_a_hit_nor_a_miss() {
    let page = Page::of(async {
        let sandbox = Sandbox::start().await.unwrap();
        let entitlements = Entitlements::new(client(&sandbox));
        for _ in 0..3 {
            entitlements.get(forged()).await.unwrap_err();
        }
        assert_eq!(sandbox.requests().len(), 1);
    });
    assert_eq!(counters(&page), [0.0, 1.0, 0.0, 0.0, 2.0]);
    let refused = r#"figma_payments_unauthorized_total{asked_by="token"}"#;
    assert_eq!(page.value(refused), Some(1.0), "Figma refused it once");
}

#[test]
fn the_entries_are_those_of_all_caches_in_the_process() {
    let recorder = recorder();
    let entries = || Page(recorder.handle().render()).value(ENTRIES).unwrap();
    let test = async {
        let sandbox = Sandbox::start().await.unwrap();
        let first = Entitlements::new(client(&sandbox));
        let second = Entitlements::new(client(&sandbox));
        assert_eq!(entries(), 0.0);
        for user in 0..5 {
            first.prime(paid(user)).await;
            second.prime(paid(user)).await;
        }
        second.prime(paid(1)).await;
        assert_eq!(entries(), 10.0);

        first.invalidate(&UserId::from(1), &plugin()).await.unwrap();
        first.invalidate(&UserId::from(1), &plugin()).await.unwrap();
        assert_eq!(entries(), 9.0);
        sandbox.inject(Fault::Status(403), Calls::Next(1));
        first.get_fresh(by_user(2)).await.unwrap_err();
        assert_eq!(entries(), 8.0, "what Figma refused is gone");
        // UNPAID takes the place of PAID.
        first.get_fresh(by_user(3)).await.unwrap();
        assert_eq!(entries(), 8.0);

        let clone = second.clone();
        drop(second);
        assert_eq!(entries(), 8.0, "a clone has them still");
        drop(clone);
        assert_eq!(entries(), 3.0);
        drop(first);
        assert_eq!(entries(), 0.0);
    };
    metrics::with_local_recorder(&recorder, || run(test));
}

#[test]
fn what_a_full_cache_drops_is_no_entry_any_more() {
    let recorder = recorder();
    let test = async {
        let sandbox = Sandbox::start().await.unwrap();
        let entitlements = Entitlements::builder(client(&sandbox)).max_entries(10).build();
        for user in 0..1000 {
            entitlements.prime(paid(user)).await;
        }
        let mut kept = 0.0;
        for user in 0..1000 {
            kept += f64::from(entitlements.get_cached(by_user(user)).await.is_some());
        }
        assert!(kept <= 100.0, "{kept} are kept");
        assert_eq!(Page(recorder.handle().render()).value(ENTRIES), Some(kept));
    };
    metrics::with_local_recorder(&recorder, || run(test));
}

#[test]
fn a_miss_is_a_span_around_the_call_and_a_hit_is_a_span_alone() {
    let spans = spans_of(LevelFilter::DEBUG, async {
        let sandbox = Sandbox::start().await.unwrap();
        sandbox.set(Purchase::paid(&UserId::from(1), &plugin(), "2024-06-15T14:30:00Z"));
        let entitlements = Entitlements::new(client(&sandbox));
        entitlements.get(by_user(1)).await.unwrap();
        entitlements.get(by_user(1)).await.unwrap();
        assert!(entitlements.get_cached(by_user(2)).await.is_none());
        entitlements.get(forged()).await.unwrap_err();
    });
    let [miss, call, hit, look, refused, refused_call] = &spans[..] else {
        panic!("six spans are expected: {spans:?}")
    };
    assert_eq!(call.name, "GET /v1/payments");
    assert_eq!(call.parent_span_id, miss.span_context.span_id());
    assert_eq!(refused_call.parent_span_id, refused.span_context.span_id());
    let expected = r#"
figma_payments.get_entitlement, Internal, Unset
  target: "figma_payments::cache"
  cache.hit: false
  entitlement.source: "fresh"
"#;
    assert_eq!(shown(miss), expected.trim());
    let expected = r#"
figma_payments.get_entitlement, Internal, Unset
  target: "figma_payments::cache"
  cache.hit: true
  entitlement.source: "cached"
"#;
    assert_eq!(shown(hit), expected.trim());
    let expected = r#"
figma_payments.get_entitlement, Internal, Unset
  target: "figma_payments::cache"
  cache.hit: false
"#;
    assert_eq!(shown(look), expected.trim());
    let expected = r#"
figma_payments.get_entitlement, Internal, Error { description: "" }
  target: "figma_payments::cache"
  cache.hit: false
  error.type: "unauthorized"
"#;
    assert_eq!(shown(refused), expected.trim());
}
