//! How a redis-server is started.

use std::fmt::{Display, Write};
use std::sync::Arc;

use super::Redis;
use crate::certificate::Certificate;
use crate::folder::Folder;

/// Settings for a [`Redis`]; made by [`Redis::options`].
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Options {
    lines: Vec<String>,
    pub(super) password: Option<String>,
    pub(super) certificate: Option<Arc<Certificate>>,
    pub(super) has_clock: bool,
    pub(super) is_sentinel: bool,
}

impl Options {
    /// A line of its configuration.
    pub fn set(mut self, name: &str, value: impl Display) -> Self {
        self.lines.push(format!("{name} {value}"));
        self
    }

    /// The password of the default user, which the test itself uses too.
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(password.to_owned());
        self.set("requirepass", password)
    }

    /// One more user, with rules such as `~figma:* +@all`.
    pub fn user(self, name: &str, password: &str, rules: &str) -> Self {
        self.set("user", format!("{name} on >{password} {rules}"))
    }

    /// The limit of its memory, and what is evicted beyond it: `20mb`, `volatile-ttl`.
    pub fn max_memory(self, limit: &str, policy: &str) -> Self {
        self.set("maxmemory", limit).set("maxmemory-policy", policy)
    }

    /// Every write is on disk before it is answered.
    pub fn append_only(self) -> Self {
        self.set("appendonly", "yes").set("appendfsync", "always")
    }

    /// It also listens with TLS, at [`Redis::tls_url`].
    pub fn tls(mut self, certificate: Certificate) -> Self {
        self.certificate = Some(Arc::new(certificate));
        self
    }

    /// Its date can be moved, with [`Redis::clock`].
    pub fn with_clock(mut self) -> Self {
        self.has_clock = true;
        self
    }

    pub(super) fn sentinel(mut self) -> Self {
        self.is_sentinel = true;
        self
    }

    /// Starts it, and waits until it answers.
    ///
    /// # Panics
    ///
    /// If it does not.
    pub fn start(self) -> Redis {
        Redis::start_with(self)
    }

    /// What stands in `redis.conf`.
    pub(super) fn configuration(&self, folder: &Folder, (port, tls_port): (u16, u16)) -> String {
        let path = folder.path().display();
        let mut lines = format!("bind 127.0.0.1\nport {port}\ndir {path}\nlogfile {path}/log\n");
        if !self.is_sentinel {
            // A dump that is compressed could not be searched.
            lines += "save \"\"\nrdbcompression no\nenable-debug-command yes\n";
        }
        if let Some(certificate) = &self.certificate {
            let files = [
                ("tls-ca-cert-file", "authority.pem", &certificate.authority),
                ("tls-cert-file", "chain.pem", &certificate.chain),
                ("tls-key-file", "key.pem", &certificate.key),
            ];
            for (setting, name, text) in files {
                let _ = writeln!(lines, "{setting} {}", folder.write(name, text).display());
            }
            let _ = writeln!(lines, "tls-port {tls_port}\ntls-auth-clients no");
        }
        self.lines.iter().for_each(|line| lines += &format!("{line}\n"));
        lines
    }
}
