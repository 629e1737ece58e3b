//! Asks whether a user has paid, in both ways.
//!
//! Without arguments it starts a sandbox, and needs nothing else:
//!
//!     cargo run --example check_payment --features sandbox
//!
//! With an access token it asks Figma about one user, or the server that `--base-url`
//! names:
//!
//!     FIGMA_TOKEN=figd_… cargo run --example check_payment --features sandbox -- \
//!         --user 500123 --plugin 1122334455

use std::error::Error;

use figma_payments::sandbox::Sandbox;
use figma_payments::{
    Client, PaymentInformation, PaymentParams, PaymentQuery, PaymentStatus, PersonalAccessToken,
    PluginPaymentToken, Resource, UserId,
};

const USAGE: &str = "usage: check_payment [--base-url URL] [--user ID (--plugin ID | --widget ID | --community-file ID)]
The access token is read from FIGMA_TOKEN. Instead of --user, you can set
FIGMA_PAYMENT_TOKEN to a payment token. Without arguments, a sandbox is asked.";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    if let Err(error) = run().await {
        eprintln!("error: {error}");
        std::process::exit(2);
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let Some(Arguments { base_url, query }) = arguments()? else {
        return ask_the_sandbox().await;
    };
    let token = std::env::var("FIGMA_TOKEN")
        .map_err(|_| "FIGMA_TOKEN is not set; make an access token in Figma's settings")?;
    let mut client = Client::builder(PersonalAccessToken::new(token)?);
    if let Some(base_url) = base_url {
        client = client.base_url(base_url);
    }
    print(&client.build()?.get_payments(query).await?);
    Ok(())
}

async fn ask_the_sandbox() -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::start().await?;
    println!("asking the sandbox at {}", sandbox.base_url());
    let plugin = Resource::plugin("1678669904810665842")?;
    let buyer = UserId::from(500123);
    let visitor = UserId::from(500124);
    let bought = Some("2024-06-15T14:30:00Z");
    sandbox.set_purchase(&buyer, &plugin, PaymentStatus::Paid, bought);

    let client = Client::builder(sandbox.access_token()).base_url(sandbox.base_url()).build()?;

    println!("\nby user and resource, a user who bought it:");
    let query = PaymentQuery::by_user(buyer.clone(), plugin.clone());
    print(&client.get_payments(query).await?);

    println!("\nby user and resource, a user who did not:");
    let query = PaymentQuery::by_user(visitor, plugin.clone());
    print(&client.get_payments(query).await?);

    println!("\nby a payment token of that user:");
    let token = sandbox.mint_token(&buyer, &plugin);
    print(&client.get_payments(PaymentQuery::by_token(token, plugin.clone())).await?);

    println!("\nby a payment token of another plugin:");
    let other = sandbox.mint_token(&buyer, &Resource::plugin("42")?);
    match client.get_payments(PaymentQuery::by_token(other, plugin.clone())).await {
        Ok(payment) => return Err(format!("a token of another plugin opened {payment:?}").into()),
        Err(error) => println!("  {}: {error}", error.kind()),
    }

    println!("\nby a forged payment token:");
    let forged = PluginPaymentToken::new("ppt_forged")?;
    match client.get_payments(PaymentQuery::by_token(forged, plugin)).await {
        Ok(payment) => Err(format!("a forged token opened {payment:?}").into()),
        Err(error) => {
            println!("  {}: {error}", error.kind());
            Ok(())
        }
    }
}

fn print(payment: &PaymentInformation) {
    let access = match payment.grants_access() {
        true => "access",
        false => "no access",
    };
    let since = payment.date_of_purchase.as_ref();
    let since = since.map_or(String::new(), |date| format!(", bought {}", date.as_str()));
    println!(
        "  {access}: user {} is {} for {} {}{since}",
        payment.user_id, payment.payment_status, payment.resource_type, payment.resource_id,
    );
}

/// What the command line asks for.
struct Arguments {
    /// The server to ask; `None` for Figma.
    base_url: Option<String>,
    query: PaymentQuery,
}

/// Reads the command line; `None` if it is empty.
fn arguments() -> Result<Option<Arguments>, Box<dyn Error>> {
    let mut base_url = None;
    let mut params = PaymentParams::default();
    let token = std::env::var("FIGMA_PAYMENT_TOKEN").ok();
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.peek().is_none() && token.is_none() {
        return Ok(None);
    }
    while let Some(name) = arguments.next() {
        let option = match name.as_str() {
            "--base-url" => &mut base_url,
            "--user" => &mut params.user_id,
            "--plugin" => &mut params.plugin_id,
            "--widget" => &mut params.widget_id,
            "--community-file" => &mut params.community_file_id,
            _ => return Err(format!("there is no option {name}\n{USAGE}").into()),
        };
        let value = arguments.next();
        *option = Some(value.ok_or_else(|| format!("{name} needs a value\n{USAGE}"))?);
    }
    let query = match (token, &params) {
        // The token has to be for the resource that the user wants to use.
        (Some(token), PaymentParams { user_id: None, plugin_id: Some(id), .. }) => {
            PaymentQuery::by_token(PluginPaymentToken::new(token)?, Resource::plugin(id)?)
        }
        (Some(token), PaymentParams { user_id: None, widget_id: Some(id), .. }) => {
            PaymentQuery::by_token(PluginPaymentToken::new(token)?, Resource::widget(id)?)
        }
        (token, _) => {
            params.plugin_payment_token = token;
            params.try_into()?
        }
    };
    Ok(Some(Arguments { base_url, query }))
}
