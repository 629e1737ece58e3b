//! The command line, and whom it says to ask.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};

use figma_payments::{PersonalAccessToken, Resource};

const USAGE: &str =
    "usage: plugin_backend [--listen ADDRESS:PORT] [--plugin ID] [--base-url URL | --sandbox]
It listens on 127.0.0.1:3000, for the plugin that examples/plugin/manifest.json names.
The access token is read from FIGMA_TOKEN. With --sandbox it needs none, and asks a
sandbox in place of Figma; then it listens on this machine alone.";

/// The plugin's own, so that its id is written down once.
const MANIFEST: &str = include_str!("../plugin/manifest.json");

pub struct Arguments {
    pub listen: SocketAddr,
    pub plugin: Resource,
    pub asks: Asks,
}

/// Who is asked whether somebody has paid.
pub enum Asks {
    Figma(PersonalAccessToken),
    Server(PersonalAccessToken, String),
    /// Everybody knows its tokens, so that it has to be asked for.
    Sandbox,
}

/// What was given, as text.
#[derive(Default)]
struct Given {
    listen: Option<String>,
    plugin: Option<String>,
    base_url: Option<String>,
    sandbox: bool,
}

impl Arguments {
    pub fn read() -> Result<Self, Box<dyn Error>> {
        let given = Given::read()?;
        let listen = match &given.listen {
            Some(listen) => listen.parse().map_err(|_| {
                format!("--listen is {listen}; an address like 127.0.0.1:3000 is expected")
            })?,
            None => SocketAddr::from((Ipv4Addr::LOCALHOST, 3000)),
        };
        let plugin = match &given.plugin {
            Some(id) => Resource::plugin(id)?,
            None => Resource::from_manifest(MANIFEST)?,
        };
        let asks = match given.sandbox {
            true => sandbox(&given, listen)?,
            false => given.server()?,
        };
        Ok(Arguments { listen, plugin, asks })
    }
}

impl Given {
    fn read() -> Result<Self, String> {
        let mut given = Given::default();
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let place = match name.as_str() {
                "--listen" => &mut given.listen,
                "--plugin" => &mut given.plugin,
                "--base-url" => &mut given.base_url,
                "--sandbox" => {
                    given.sandbox = true;
                    continue;
                }
                _ => return Err(format!("{name} is not known\n{USAGE}")),
            };
            let value = arguments.next();
            *place = Some(value.ok_or_else(|| format!("{name} needs a value\n{USAGE}"))?);
        }
        Ok(given)
    }

    /// Figma, or the server that is given in its place.
    fn server(self) -> Result<Asks, Box<dyn Error>> {
        let token = access_token()?.ok_or(
            "no access token: put one of the account that owns the plugin into FIGMA_TOKEN; or give --sandbox, to try this out without Figma",
        )?;
        let token =
            PersonalAccessToken::new(token).map_err(|error| format!("FIGMA_TOKEN: {error}"))?;
        Ok(match self.base_url {
            Some(base_url) => Asks::Server(token, base_url),
            None => Asks::Figma(token),
        })
    }
}

/// The sandbox, unless something else is given that says to ask Figma or to serve
/// other machines.
fn sandbox(given: &Given, listen: SocketAddr) -> Result<Asks, Box<dyn Error>> {
    if access_token()?.is_some() {
        return Err(
            "--sandbox asks a sandbox, and FIGMA_TOKEN is for asking Figma: leave one of them out"
                .into(),
        );
    }
    if given.base_url.is_some() {
        return Err("--sandbox brings its own server: leave --base-url out".into());
    }
    if !listen.ip().to_canonical().is_loopback() {
        return Err(format!(
            "--sandbox serves this machine alone, because anybody has its tokens, and --listen is {listen}; 127.0.0.1:3000 is expected"
        )
        .into());
    }
    Ok(Asks::Sandbox)
}

/// What is in FIGMA_TOKEN, if there is anything.
fn access_token() -> Result<Option<String>, &'static str> {
    let token = std::env::var_os("FIGMA_TOKEN").filter(|token| !token.is_empty());
    token.map(|token| token.into_string().map_err(|_| "FIGMA_TOKEN is not UTF-8 text")).transpose()
}
