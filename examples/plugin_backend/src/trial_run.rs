//! For `--sandbox`: a sandbox in the same process, and users to try.

use std::error::Error;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use figma_payments::sandbox::{Purchase, Sandbox};
use figma_payments::{PluginPaymentToken, Resource, UserId};

const BOUGHT: &str = "2024-06-15T14:30:00Z";

/// The users and their payment tokens. The tokens are made up, so they may be printed.
const USERS: [(&str, &str); 3] =
    [("has paid", "ppt_paid"), ("is in a trial", "ppt_trial"), ("has not paid", "ppt_unpaid")];

/// How long the tokens can be used. Figma's are short-lived, but somebody should have time
/// to try these.
const A_DAY: Duration = Duration::from_secs(24 * 3600);

/// Starts a sandbox with these users. It runs until it is dropped.
pub async fn start(plugin: &Resource) -> Result<Sandbox, Box<dyn Error>> {
    let sandbox = Sandbox::start().await?;
    let users = [500123, 500124, 500125].map(UserId::from);
    sandbox.set(Purchase::paid(&users[0], plugin, BOUGHT));
    sandbox.set(Purchase::trial(&users[1], plugin, BOUGHT));
    for (user, (_, token)) in users.iter().zip(USERS) {
        sandbox.accept_token(PluginPaymentToken::new(token)?, user, plugin, A_DAY);
    }
    Ok(sandbox)
}

/// What to try: for each user, a line to copy into a terminal.
pub fn greeting(backend: SocketAddr, plugin: &Resource) -> String {
    let mut text = format!(
        "It asks a sandbox about {plugin}, and not Figma. To ask Figma, leave out --sandbox and set FIGMA_TOKEN.\n"
    );
    for (who, token) in USERS {
        let _ = write!(
            text,
            "\nA user who {who}:\n  curl -i -H 'Authorization: Bearer {token}' http://{backend}/palette\n"
        );
    }
    text
}
