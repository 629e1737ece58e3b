//! Clients for tests and simulations that are answered by a closure.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::ready;

use crate::api::types::PaymentInformation;
use crate::client::Client;
use crate::client::builder::ClientBuilder;
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
    let builder = Client::builder(settings::access_token()).retry(RetryPolicy::none());
    client_from(builder, move |query| ready(answer(&query)))
        .expect("plain http:// to loopback needs no TLS")
}

/// Like [`client`], with your own settings, retries and rate limits among them, and with
/// answers that may take their time. For a simulation on tokio's paused clock, or a test of
/// deadlines. Only the base URL of the builder is not used.
///
/// ```
/// use std::time::Duration;
///
/// use figma_payments::{
///     Client, ErrorKind, PaymentQuery, PersonalAccessToken, RateLimits, Resource, UserId, sandbox,
/// };
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let limits = RateLimits::default().by_user(1);
///     let builder = Client::builder(PersonalAccessToken::new("figd_x")?).rate_limits(limits);
///     let client = sandbox::client_from(builder, |_| async {
///         tokio::time::sleep(Duration::from_millis(150)).await;
///         Err(ErrorKind::NotFound)
///     })?;
///     let query = PaymentQuery::by_user(UserId::from(500123), Resource::plugin("1122334455")?);
///     let asked = client.get_payments(&query).await.unwrap_err();
///     let limited = client.get_payments(&query).await.unwrap_err();
///     assert_eq!([asked.kind(), limited.kind()], [ErrorKind::NotFound, ErrorKind::RateLimited]);
///     Ok(())
/// }
/// ```
///
/// # Errors
///
/// Those of [`ClientBuilder::build`], except those about the base URL.
pub fn client_from<F>(
    builder: ClientBuilder,
    answer: impl Fn(PaymentQuery) -> F + Send + Sync + 'static,
) -> Result<Client, Error>
where
    F: Future<Output = Result<PaymentInformation, ErrorKind>> + Send + 'static,
{
    let client = builder.base_url("http://127.0.0.1:9").build()?;
    let answers = move |query: PaymentQuery| {
        let answered = answer(query.clone());
        async move { verified(&query, answered.await) }.boxed()
    };
    Ok(client.simulated(client.retry_policy(), Arc::new(answers)))
}

fn verified(
    query: &PaymentQuery,
    answered: Result<PaymentInformation, ErrorKind>,
) -> Result<PaymentInformation, Error> {
    let payment = answered.map_err(error)?;
    match query.verify(&payment) {
        Ok(()) => Ok(payment),
        Err(error) => Err(error.with(|it| it.mismatched = Some(Mismatched(payment)))),
    }
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
