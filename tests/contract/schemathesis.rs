//! Schemathesis tries the sandbox, with all its checks, in each way to ask.

use std::time::Duration;

use figma_payments::sandbox::{FigmaLimits, Purchase, Sandbox, StatusShape};
use figma_payments::{PluginPaymentToken, Resource, UserId};

use crate::tools;

/// One view a way, since OpenAPI 3.1 cannot say "exactly one of"; between them,
/// every shape of the status.
const VIEWS: [(&str, StatusShape); 4] = [
    ("token", StatusShape::Type),
    ("plugin", StatusShape::Text),
    ("widget", StatusShape::Type),
    ("file", StatusShape::Status),
];

/// Knows what the document's examples ask for.
async fn sandbox() -> Sandbox {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.configure(|settings| settings.limits = FigmaLimits::none());
    let user = UserId::from(1234567890);
    let plugin = Resource::plugin("1122334455").unwrap();
    let widget = Resource::widget("5544332211").unwrap();
    let file = Resource::community_file("9876543210").unwrap();
    sandbox.set(Purchase::paid(&user, &plugin, "2024-06-15T14:30:00Z"));
    sandbox.set(Purchase::trial(&user, &widget, "2024-06-15T14:30:00Z"));
    sandbox.set(Purchase::refunded(&user, &file, "2024-06-15T14:30:00Z"));
    let token = PluginPaymentToken::new("ppt_abc123xyz789").unwrap();
    sandbox.accept_token(token, &user, &plugin, Duration::from_secs(3600));
    sandbox
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "`cargo xtask contract` installs Schemathesis and runs this"]
async fn schemathesis_finds_nothing_wrong_with_the_sandbox() {
    let mut cases = 0;
    for (view, shape) in VIEWS {
        let sandbox = sandbox().await;
        sandbox.configure(|settings| settings.shape = shape);
        let mut command = tools::python("st");
        command
            .arg("--config-file")
            .arg(tools::configuration("schemathesis.toml"))
            .arg("run")
            .arg(tools::document(&format!("{view}.json")))
            .args(["--url", &sandbox.base_url(), "--checks", "all"]);
        let output = tokio::task::spawn_blocking(move || tools::run(&mut command)).await.unwrap();
        let said = tools::text(&output.stdout);
        assert!(output.status.success(), "{view}: {said}\n{}", tools::text(&output.stderr));
        assert!(said.contains("No issues found"), "{view}: {said}");
        println!("{view}: {} requests", sandbox.requests().len());
        assert!(sandbox.requests().len() > 150, "{view}: {said}");
        cases += generated(&said);
    }
    let version = tools::text(&tools::run(tools::python("st").arg("--version")).stdout);
    tools::report("Schemathesis", version.trim().rsplit(' ').next().unwrap(), cases);
}

/// From a line like `225 generated, 225 passed, 2 skipped`.
fn generated(said: &str) -> usize {
    let line = said.lines().find(|line| line.contains(" generated, ")).unwrap_or(said);
    line.trim().split(' ').next().and_then(|count| count.parse().ok()).expect(line)
}
