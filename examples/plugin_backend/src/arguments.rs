//! The command line, the server that it says to ask, and the Redis to share.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};

use figma_payments::{PersonalAccessToken, RedisStore, Resource};

const USAGE: &str =
    "usage: plugin_backend [--listen ADDRESS:PORT] [--plugin ID] [--base-url URL | --sandbox]
                      [--redis URL --namespace NAME]
Listens on 127.0.0.1:3000, for the plugin in examples/plugin/manifest.json, unless you
say otherwise. The access token is read from FIGMA_TOKEN. --sandbox needs no access token:
it starts a sandbox and asks that instead of Figma, and listens on this machine alone.
Replicas with the same Redis and namespace (a short name for the Figma account) share the
rate limit and the answers. FIGMA_PAYMENTS_REDIS_URL and FIGMA_PAYMENTS_NAMESPACE do the
same; a URL with a password belongs there.";

const NOT_TEXT: &str =
    "FIGMA_TOKEN, FIGMA_PAYMENTS_REDIS_URL or FIGMA_PAYMENTS_NAMESPACE is not UTF-8 text";

/// The manifest of the plugin, so that the id is written in one place only.
const MANIFEST: &str = include_str!("../../plugin/manifest.json");

pub struct Arguments {
    pub listen: SocketAddr,
    pub plugin: Resource,
    pub upstream: Upstream,
    pub shared: Option<Shared>,
}

/// The Redis that the replicas share.
pub struct Shared {
    url: String,
    namespace: String,
}

impl Shared {
    pub async fn connect(self) -> Result<RedisStore, figma_payments::Error> {
        RedisStore::connect(self.url, self.namespace).await
    }
}

/// The server that knows who has paid.
pub enum Upstream {
    Figma(PersonalAccessToken),
    /// Another server, with this base URL.
    Server(PersonalAccessToken, String),
    /// Only if it was asked for: everybody knows its tokens.
    Sandbox,
}

/// The values of the options, as text.
#[derive(Default)]
struct Options {
    listen: Option<String>,
    plugin: Option<String>,
    base_url: Option<String>,
    redis: Option<String>,
    namespace: Option<String>,
    sandbox: bool,
}

impl Arguments {
    pub fn read() -> Result<Self, Box<dyn Error>> {
        let options = Options::read()?;
        let listen = match &options.listen {
            Some(listen) => listen.parse().map_err(|_| {
                format!("--listen is {listen}, but should be an address like 127.0.0.1:3000")
            })?,
            None => SocketAddr::from((Ipv4Addr::LOCALHOST, 3000)),
        };
        let plugin = match &options.plugin {
            Some(id) => Resource::plugin(id)?,
            None => Resource::from_manifest(MANIFEST)?,
        };
        let shared = options.shared()?;
        let upstream = match options.sandbox {
            true => sandbox(&options, listen)?,
            false => options.server()?,
        };
        Ok(Arguments { listen, plugin, upstream, shared })
    }
}

impl Options {
    fn read() -> Result<Self, String> {
        let mut options = Options::default();
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let option = match name.as_str() {
                "--listen" => &mut options.listen,
                "--plugin" => &mut options.plugin,
                "--base-url" => &mut options.base_url,
                "--redis" => &mut options.redis,
                "--namespace" => &mut options.namespace,
                "--sandbox" => {
                    options.sandbox = true;
                    continue;
                }
                "--help" => {
                    println!("{USAGE}");
                    std::process::exit(0);
                }
                _ => return Err(format!("there is no option {name}\n{USAGE}")),
            };
            let value = arguments.next();
            *option = Some(value.ok_or_else(|| format!("{name} needs a value\n{USAGE}"))?);
        }
        Ok(options)
    }

    /// The Redis and the namespace, of the command line or else of the environment.
    fn shared(&self) -> Result<Option<Shared>, &'static str> {
        // Everybody on the machine can see a command line.
        if self.redis.as_ref().is_some_and(|url| url.contains('@')) {
            return Err(
                "--redis has a user or a password: set FIGMA_PAYMENTS_REDIS_URL instead, which only this user can see",
            );
        }
        let url = match &self.redis {
            Some(url) => Some(url.clone()),
            None => variable("FIGMA_PAYMENTS_REDIS_URL")?,
        };
        let namespace = match &self.namespace {
            Some(namespace) => Some(namespace.clone()),
            None => variable("FIGMA_PAYMENTS_NAMESPACE")?,
        };
        match (url, namespace) {
            (None, _) if self.namespace.is_some() => {
                Err("--namespace is for a Redis: give --redis, or set FIGMA_PAYMENTS_REDIS_URL")
            }
            (None, _) => Ok(None),
            (Some(url), Some(namespace)) => Ok(Some(Shared { url, namespace })),
            (Some(_), None) => Err(
                "a Redis needs a namespace: give --namespace, or set FIGMA_PAYMENTS_NAMESPACE, to a short name for the Figma account, such as acme",
            ),
        }
    }

    /// Figma, or the server that `--base-url` names.
    fn server(self) -> Result<Upstream, Box<dyn Error>> {
        let token = variable("FIGMA_TOKEN")?.ok_or(
            "there is no access token: set FIGMA_TOKEN to one of the account that owns the plugin; or give --sandbox, to try this without Figma",
        )?;
        let token =
            PersonalAccessToken::new(token).map_err(|error| format!("FIGMA_TOKEN: {error}"))?;
        Ok(match self.base_url {
            Some(base_url) => Upstream::Server(token, base_url),
            None => Upstream::Figma(token),
        })
    }
}

/// The sandbox. It is refused together with anything that is meant for Figma, and with an
/// address that other machines can reach.
fn sandbox(options: &Options, listen: SocketAddr) -> Result<Upstream, Box<dyn Error>> {
    if variable("FIGMA_TOKEN")?.is_some() {
        return Err(
            "--sandbox asks a sandbox, but FIGMA_TOKEN is for asking Figma: leave one of them out"
                .into(),
        );
    }
    if options.base_url.is_some() {
        return Err("--sandbox starts its own server: leave --base-url out".into());
    }
    if !listen.ip().to_canonical().is_loopback() {
        return Err(format!(
            "with --sandbox other machines must not reach the backend, because everybody knows its tokens: --listen is {listen}, but should be a loopback address like 127.0.0.1:3000"
        )
        .into());
    }
    Ok(Upstream::Sandbox)
}

/// The value of a variable, unless it is empty or not set.
fn variable(name: &str) -> Result<Option<String>, &'static str> {
    let value = std::env::var_os(name).filter(|value| !value.is_empty());
    value.map(|value| value.into_string().map_err(|_| NOT_TEXT)).transpose()
}
