//! The command line, and whom it says to ask.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};

use figma_payments::{PersonalAccessToken, Resource};

const USAGE: &str = "usage: plugin_backend [--listen ADDRESS:PORT] [--plugin ID] [--base-url URL]
It listens on 127.0.0.1:3000, for the plugin that examples/plugin/manifest.json names.
The access token is read from FIGMA_TOKEN. Without one, a sandbox is asked.";

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
    Sandbox,
}

impl Arguments {
    pub fn read() -> Result<Self, Box<dyn Error>> {
        let (mut listen, mut plugin, mut base_url) = (None, None, None);
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let place = match name.as_str() {
                "--listen" => &mut listen,
                "--plugin" => &mut plugin,
                "--base-url" => &mut base_url,
                _ => return Err(format!("{name} is not known\n{USAGE}").into()),
            };
            let value = arguments.next();
            *place = Some(value.ok_or_else(|| format!("{name} needs a value\n{USAGE}"))?);
        }
        let listen = match listen {
            Some(listen) => listen.parse().map_err(|_| {
                format!("--listen is {listen}; an address like 127.0.0.1:3000 is expected")
            })?,
            None => SocketAddr::from((Ipv4Addr::LOCALHOST, 3000)),
        };
        let plugin = match plugin {
            Some(id) => Resource::plugin(id)?,
            None => Resource::from_manifest(MANIFEST)?,
        };
        let token = std::env::var("FIGMA_TOKEN").ok();
        let asks = match (token.map(PersonalAccessToken::new).transpose()?, base_url) {
            (Some(token), Some(base_url)) => Asks::Server(token, base_url),
            (Some(token), None) => Asks::Figma(token),
            (None, None) => Asks::Sandbox,
            (None, Some(_)) => {
                return Err("--base-url needs an access token, in FIGMA_TOKEN".into());
            }
        };
        Ok(Arguments { listen, plugin, asks })
    }
}
