//! `figma-payments sandbox`: the sandbox as a program.

mod access_check;
mod control;
mod events;
mod fault;
mod page;
mod plugin;
mod plugin_frames;
mod redact;
mod state_file;

use std::io::{self, ErrorKind, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use figma_payments::UserId;
use figma_payments::sandbox::{Figma, FigmaLimits, Request, Sandbox, Settings, StatusShape};

use crate::exit::{Exit, Failure};
use crate::signals;
use access_check::{AccessCheck, Host};
use control::Control;
use plugin::Plugin;
use state_file::StateFile;

/// Start a server that answers like Figma, for tests in any language.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes:
  2    it cannot start: an option, the address or a file is wrong
  130  ended with Ctrl-C
  143  ended with SIGTERM")]
pub struct Arguments {
    /// The port to listen on; 0 for any free port.
    #[arg(long, default_value_t = 4010)]
    port: u16,
    /// The address to listen on. With any other than a loopback address, other
    /// machines can use the sandbox.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Another host name or address of the sandbox, such as the name of its
    /// service in Docker. The control API answers only requests to localhost, to
    /// loopback addresses, to --host and to these hosts. /v1/payments answers
    /// requests to any host. Can be given several times.
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<Host>,
    /// Keep the purchases in this JSON file. It is read at the start, created if
    /// it does not exist, and written with every change. Only one sandbox at a
    /// time can use it: FILE.lock, next to it, is locked.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// How the answers write payment_status: "PAID", {"type": "PAID"} or
    /// {"status": "PAID"}.
    #[arg(long, default_value = "text")]
    shape: Shape,
    /// The user who owns the resources, and so always gets UNPAID.
    #[arg(long, value_name = "USER_ID")]
    owner: Option<UserId>,
    /// How long a payment token can be used.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    token_lifetime: u64,
    /// A payment token can be used only once.
    #[arg(long)]
    single_use_tokens: bool,
    /// How much memory the list of requests may take. When it is full, the oldest
    /// requests are dropped.
    #[arg(long, value_name = "BYTES", default_value_t = Settings::default().request_log_bytes)]
    request_log_bytes: usize,
    /// Serve a stage at /stage, on which a browser runs the plugin of this
    /// manifest.json as Figma would, with a checkout to play. Its owner is user
    /// 500100, unless --owner says otherwise.
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Answer any number of questions a minute. Figma never does.
    #[arg(long)]
    no_limits: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Shape {
    Text,
    Type,
    Status,
}

const OWNER_ON_STAGE: u64 = 500100;

/// Runs until it is told to end.
pub async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    serve(arguments).await.map_err(Failure::usage)
}

async fn serve(arguments: Arguments) -> Result<Exit, String> {
    let (file, purchases) = match &arguments.state {
        Some(path) => StateFile::open(path).map(|(file, purchases)| (Some(file), purchases))?,
        None => (None, Vec::new()),
    };
    // The purchases first, then the server: a change that comes before the purchases are
    // read would write the file without them.
    let figma = Figma::new();
    figma.replace_purchases(purchases);
    figma.configure(|settings| arguments.apply(settings));
    let plugin = arguments.manifest.as_deref().map(Plugin::open).transpose()?;
    let access = AccessCheck::new(arguments.host, arguments.allow_host.clone());
    let control = Arc::new(Control::new(file, access, plugin));
    let address = SocketAddr::new(arguments.host, arguments.port);
    let control = move |figma: &Figma, request: &Request| control.answer(figma, request);
    let sandbox = Sandbox::start_with(figma, address, control)
        .await
        .map_err(|error| cannot_listen(address, &error))?;
    let signal =
        signals::listen().map_err(|error| format!("no signal can be received: {error}"))?;
    // A program that starts the sandbox may read the first line, and then close the pipe.
    let _ = io::stdout().write_all(arguments.greeting(&sandbox.base_url()).as_bytes());
    Ok(signal.await)
}

impl Arguments {
    fn apply(&self, settings: &mut Settings) {
        settings.shape = match self.shape {
            Shape::Text => StatusShape::Text,
            Shape::Type => StatusShape::Type,
            Shape::Status => StatusShape::Status,
        };
        let owner_on_stage = || self.manifest.as_ref().map(|_| UserId::from(OWNER_ON_STAGE));
        settings.owner = self.owner.clone().or_else(owner_on_stage);
        settings.token_lifetime = Duration::from_secs(self.token_lifetime);
        settings.single_use_tokens = self.single_use_tokens;
        settings.request_log_bytes = self.request_log_bytes;
        if self.no_limits {
            settings.limits = FigmaLimits::none();
        }
    }

    fn greeting(&self, base_url: &str) -> String {
        let version = env!("CARGO_PKG_VERSION");
        let control = format!("{base_url}{}", control::PREFIX);
        let access_token = control::ACCESS_TOKEN;
        let stage = match &self.manifest {
            Some(_) => format!("stage         {base_url}/stage\n"),
            None => String::new(),
        };
        let state = match &self.state {
            Some(path) => format!("in {}", path.display()),
            None => {
                "in memory, and lost when the sandbox ends (--state FILE keeps them)".to_owned()
            }
        };
        format!(
            "figma-payments sandbox {version}, listening on {base_url}\n\
             It answers GET /v1/payments like Figma. It is not Figma, and has no real purchases.\n\
             \n\
             page          {base_url}/\n\
             {stage}\
             access token  {access_token}\n\
             purchases     {state}\n\
             control       {control}\n\
             \n\
             Point a client at it:\n\
             \x20 Client::builder(PersonalAccessToken::new(\"{access_token}\")?).base_url(\"{base_url}\")\n\
             Or ask it yourself:\n\
             \x20 curl -X PUT {control}/purchases -d '{{\"user_id\": \"500123\", \"plugin_id\": \"1122334455\", \"payment_status\": \"PAID\", \"date_of_purchase\": \"2024-06-15T14:30:00Z\"}}'\n\
             \x20 curl -H 'X-Figma-Token: {access_token}' '{base_url}/v1/payments?user_id=500123&plugin_id=1122334455'\n"
        )
    }
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> String {
    let hint = match error.kind() {
        ErrorKind::AddrInUse => {
            "another program listens there; choose another --port, or 0 for any free port"
        }
        ErrorKind::PermissionDenied => "ports below 1024 are reserved; choose a higher --port",
        ErrorKind::AddrNotAvailable => {
            "this machine does not have this address; leave --host out to listen on loopback"
        }
        _ => return format!("cannot listen on {address}: {error}"),
    };
    format!("cannot listen on {address}: {hint}")
}
