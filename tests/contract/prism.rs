//! Prism as a server of both documents, and as a judge between client and
//! sandbox. Each row states its outcome: Prism serves the document's examples
//! or invents ids, so that `Mismatch` is right where it does.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use figma_payments::sandbox::{Calls, Fault, FigmaLimits, Purchase, Sandbox, StatusShape};
use figma_payments::{
    AuthScheme, Client, Error, ErrorKind, PaymentInformation, PaymentQuery, PaymentStatus,
    PersonalAccessToken, PluginPaymentToken, Resource, RetryPolicy, UserId,
};

use crate::tools;

/// What a user would hand in. The benches turn on reqwest's `rustls-no-provider` for
/// a test of the whole workspace, and that asks for a provider.
fn own_http() -> reqwest::ClientBuilder {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
}

/// A Prism that is killed when it is dropped.
struct Prism {
    child: Child,
    base_url: String,
}

impl Prism {
    fn start(arguments: &[&str], document: &Path, upstream: Option<&str>) -> Self {
        // A port that was free a moment ago: Prism cannot choose one itself.
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let mut command = tools::node("prism");
        command.args(arguments).arg(document).args(upstream);
        command.args(["--port", &address.port().to_string(), "--errors"]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let prism = Prism { child, base_url: format!("http://{address}") };
        let patience = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < patience, "{command:?} does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        prism
    }

    fn client(&self, scheme: AuthScheme, prefer: Option<&str>) -> Client {
        let mut headers = reqwest::header::HeaderMap::new();
        if let Some(prefer) = prefer {
            headers.insert("prefer", prefer.parse().unwrap());
        }
        Client::builder(PersonalAccessToken::new("figd_sandbox").unwrap())
            .base_url(&self.base_url)
            .auth_scheme(scheme)
            .retry(RetryPolicy::none())
            .http(own_http().default_headers(headers))
            .build()
            .unwrap()
    }
}

impl Drop for Prism {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn version() -> String {
    let output = tools::run(tools::node("prism").arg("--version"));
    tools::text(&output.stdout).trim().to_owned()
}

/// The user of the documents' examples, and the plugin.
fn example() -> (UserId, Resource) {
    (UserId::from(1234567890), Resource::plugin("1122334455").unwrap())
}

fn token() -> PluginPaymentToken {
    PluginPaymentToken::new("ppt_abc123xyz789").unwrap()
}

/// Every way to ask: about the documents' examples, which is PAID, and about
/// others, which is a mismatch with a server that always answers its example.
fn questions() -> Vec<(PaymentQuery, Result<PaymentStatus, ErrorKind>)> {
    let (user, plugin) = example();
    let other = UserId::from(500123);
    let large = Resource::plugin("1678669904810665842").unwrap();
    let widget = Resource::widget("1122334455").unwrap();
    let file = Resource::community_file("1122334455").unwrap();
    let any = || PaymentQuery::by_token_any_resource(token());
    let paid = Ok(PaymentStatus::Paid);
    let mismatch = Err(ErrorKind::Mismatch);
    vec![
        (PaymentQuery::by_user(user.clone(), plugin.clone()), paid.clone()),
        (PaymentQuery::by_user(user.clone(), large.clone()), mismatch.clone()),
        (PaymentQuery::by_user(user.clone(), widget.clone()), mismatch.clone()),
        (PaymentQuery::by_user(user.clone(), file.clone()), mismatch.clone()),
        (PaymentQuery::by_user(other.clone(), plugin.clone()), mismatch.clone()),
        (PaymentQuery::by_token(token(), plugin), paid.clone()),
        (PaymentQuery::by_token(token(), large), mismatch.clone()),
        (PaymentQuery::by_token(token(), widget), mismatch.clone()),
        (PaymentQuery::by_token(token(), file), mismatch.clone()),
        (any().expecting_user(user), paid),
        (any().expecting_user(other), mismatch),
    ]
}

fn judge(
    row: &str,
    outcome: Result<PaymentInformation, Error>,
    expected: Result<PaymentStatus, ErrorKind>,
) {
    let got = outcome.as_ref().map(|it| it.payment_status.clone()).map_err(Error::kind);
    assert_eq!(got, expected, "{row}: {outcome:?}");
}

#[tokio::test]
#[ignore = "`cargo xtask contract` installs Prism and runs this"]
async fn prism_serves_the_bundled_document_to_the_client() {
    use ErrorKind::*;
    // It documents a bearer token, and three errors.
    let statuses = [(401, Unauthorized), (429, RateLimited), (500, Server)];
    let rows = serve("bundled.yml", [AuthScheme::Bearer, AuthScheme::FigmaToken], &statuses).await;
    tools::report("Prism (bundled document)", &version(), rows);
}

#[tokio::test]
#[ignore = "`cargo xtask contract` installs Prism and runs this"]
async fn prism_serves_the_corrected_document_to_the_client() {
    use ErrorKind::*;
    let statuses = [
        (400, BadRequest),
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (429, RateLimited),
        (500, Server),
    ];
    let rows =
        serve("corrected.json", [AuthScheme::FigmaToken, AuthScheme::Bearer], &statuses).await;
    tools::report("Prism (corrected document)", &version(), rows);
}

/// Asks in every way, with the scheme that the document wants and with the
/// other one; gives the number of calls.
async fn serve(document: &str, schemes: [AuthScheme; 2], statuses: &[(u16, ErrorKind)]) -> usize {
    let prism = Prism::start(&["mock", "--seed", "7"], &tools::document(document), None);
    let [right, wrong] = schemes;
    let mut rows = 0;
    for (question, expected) in questions() {
        let row = format!("{document} {question:?}");
        let ask = async |scheme, prefer: Option<&str>| {
            prism.client(scheme, prefer).get_payments(question.clone()).await
        };
        judge(&row, ask(right, None).await, expected);
        judge(&row, ask(wrong, None).await, Err(ErrorKind::Unauthorized));
        for (status, kind) in statuses {
            let outcome = ask(right, Some(&format!("code={status}"))).await;
            assert_eq!(outcome.as_ref().unwrap_err().status(), Some(*status), "{row}");
            judge(&row, outcome, Err(*kind));
        }
        // Prism invents an answer that fits the schema, with ids that are none.
        judge(&row, ask(right, Some("dynamic=true")).await, Err(ErrorKind::Mismatch));
        rows += 3 + statuses.len();
    }
    // A question about no resource in particular gets what was invented, if
    // `type` and `status`, both allowed, do not contradict each other.
    let client = prism.client(right, Some("dynamic=true"));
    for _ in 0..20 {
        match client.get_payments(PaymentQuery::by_token_any_resource(token())).await {
            Ok(payment) => assert_eq!(payment.resource(), None, "{payment:?}"),
            Err(error) => assert!(error.to_string().contains("contradict"), "{error}"),
        }
    }
    rows + 20
}

/// With `--errors` a request or an answer that is not documented becomes an
/// error of Prism's own, which no row expects.
#[tokio::test]
#[ignore = "`cargo xtask contract` installs Prism and runs this"]
async fn prism_stands_between_client_and_sandbox_without_a_violation() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.configure(|settings| settings.limits = FigmaLimits::none());
    let corrected = tools::document("corrected.json");
    let prism = Prism::start(&["proxy"], &corrected, Some(&sandbox.base_url()));
    let client = prism.client(AuthScheme::FigmaToken, None);
    let user = UserId::from(500123);
    let mut rows = 0;
    for resource in [
        Resource::plugin("1678669904810665842").unwrap(),
        Resource::widget("5544332211").unwrap(),
        Resource::community_file("9876543210").unwrap(),
    ] {
        let date = "2024-06-15T14:30:00Z";
        for purchase in [
            Purchase::unpaid(&user, &resource),
            Purchase::paid(&user, &resource, date),
            Purchase::trial(&user, &resource, date),
            Purchase::refunded(&user, &resource, date),
        ] {
            sandbox.set(purchase.clone());
            for shape in [StatusShape::Text, StatusShape::Type, StatusShape::Status] {
                sandbox.configure(|settings| settings.shape = shape);
                let token = sandbox.mint_token(&user, &resource);
                for question in [
                    PaymentQuery::by_user(user.clone(), resource.clone()),
                    PaymentQuery::by_token(token, resource.clone()),
                ] {
                    let row = format!("{question:?} {purchase:?} {shape:?}");
                    let outcome = client.get_payments(question).await;
                    judge(&row, outcome, Ok(purchase.status.clone()));
                    rows += 1;
                }
            }
        }
    }
    rows += refusals(&sandbox, &prism).await;
    // The judge is awake: what is not documented does not pass.
    sandbox.set_purchase(&user, &example().1, PaymentStatus::from("GIFTED"), None);
    let error = client.get_payments(PaymentQuery::by_user(user, example().1)).await.unwrap_err();
    assert_eq!((error.kind(), error.api_message()), (ErrorKind::Server, None), "{error}");
    tools::report("Prism (proxy)", &version(), rows + 1);
}

/// The documented errors arrive in the sandbox's words, and not in Prism's.
async fn refusals(sandbox: &Sandbox, prism: &Prism) -> usize {
    use ErrorKind::*;
    let (user, plugin) = example();
    let question = PaymentQuery::by_user(user, plugin);
    let rows = [
        (400, BadRequest, "Invalid parameter"),
        (401, Unauthorized, "Token is missing or incorrect"),
        (403, Forbidden, "Forbidden"),
        (404, NotFound, "Not found"),
        (429, RateLimited, "Rate limit exceeded. Please wait before retrying."),
        (500, Server, "Internal server error"),
    ];
    // Each has a client of its own: a 429 holds back what the same one asks next.
    let client = || prism.client(AuthScheme::FigmaToken, None);
    for (status, kind, message) in rows {
        sandbox.inject(Fault::Status(status), Calls::Next(1));
        let error = client().get_payments(question.clone()).await.unwrap_err();
        assert_eq!((error.kind(), error.api_message()), (kind, Some(message)), "{error}");
        assert_eq!(error.retry_after().is_some(), status == 429, "{error}");
    }
    let unknown = PaymentQuery::by_token_any_resource(token());
    judge("an unknown token", client().get_payments(unknown).await, Err(Unauthorized));
    rows.len() + 1
}
