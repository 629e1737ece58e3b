//! A client for unit tests that is answered by a closure.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::ready;

use crate::api::types::PaymentInformation;
use crate::client::Client;
use crate::client::retry::RetryPolicy;
use crate::error::{Error, ErrorKind, Mismatched};
use crate::model::query::PaymentQuery;

use super::settings;

/// A client that sends nothing: this closure answers each call. For a unit test of code that
/// takes a [`Client`] or an [`Entitlements`](crate::Entitlements).
///
/// The client verifies the answer, as it does with Figma's, and retries nothing. An error
/// has the status that Figma would answer, if the kind has one.
///
/// ```
/// use figma_payments::{PaymentInformation, PaymentQuery, PaymentStatus, Resource, UserId, sandbox};
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> Result<(), figma_payments::Error> {
///     let (buyer, plugin) = (UserId::from(500123), Resource::plugin("1122334455")?);
///     let paid = PaymentInformation::new(&buyer, &plugin, PaymentStatus::Paid);
///     let client = sandbox::client(move |_| Ok(paid.clone()));
///     assert!(client.get_payments(PaymentQuery::by_user(buyer, plugin)).await?.grants_access());
///     Ok(())
/// }
/// ```
pub fn client(
    answer: impl Fn(&PaymentQuery) -> Result<PaymentInformation, ErrorKind> + Send + Sync + 'static,
) -> Client {
    let builder = Client::builder(settings::access_token()).base_url("http://127.0.0.1:9");
    let client = builder.build().expect("plain http:// to loopback needs no TLS");
    let answers = move |query: PaymentQuery| {
        let outcome =
            answer(&query).map_err(error).and_then(|payment| match query.verify(&payment) {
                Ok(()) => Ok(payment),
                Err(error) => Err(error.with(|it| it.mismatched = Some(Mismatched(payment)))),
            });
        ready(outcome).boxed()
    };
    client.simulated(RetryPolicy::none(), Arc::new(answers))
}

fn error(kind: ErrorKind) -> Error {
    let status = match kind {
        ErrorKind::BadRequest => Some(400),
        ErrorKind::Unauthorized => Some(401),
        ErrorKind::Forbidden => Some(403),
        ErrorKind::NotFound => Some(404),
        ErrorKind::RateLimited => Some(429),
        ErrorKind::Server => Some(503),
        _ => None,
    };
    let message = format!("the closure of the test answered {kind}");
    Error::new(kind, message).with(|details| details.response.status = status)
}
