//! The plugin on the stage: its manifest and its files, which are read anew each time, so
//! that a plugin that was built again only needs to be started again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use figma_payments::Resource;
use serde::Deserialize;
use serde_json::{Value, json};

/// A plugin whose manifest could be read.
#[derive(Debug)]
pub struct Plugin {
    path: PathBuf,
    /// The plugin's id, as it was when the sandbox started.
    pub resource: Resource,
    pub name: String,
}

/// What the stage needs of a manifest.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    name: String,
    main: String,
    #[serde(default)]
    ui: Option<Ui>,
    #[serde(default)]
    network_access: Option<NetworkAccess>,
}

/// One page, or several with names.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Ui {
    One(String),
    Several(BTreeMap<String, String>),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NetworkAccess {
    allowed_domains: Vec<String>,
    #[serde(default)]
    dev_allowed_domains: Vec<String>,
}

impl Plugin {
    /// # Errors
    ///
    /// If the manifest, or the manifest.json in this folder, cannot be read or is not that of
    /// a plugin. Its other files may be missing still.
    pub fn open(path: &Path) -> Result<Self, String> {
        let path = match path.is_dir() {
            true => &path.join("manifest.json"),
            false => path,
        };
        let text = read(path)?;
        let problem = |why: String| format!("the manifest {} {why}", path.display());
        let resource = Resource::from_manifest(&text)
            .map_err(|error| problem(format!("cannot be used: {error}")))?;
        if matches!(resource, Resource::Widget(_)) {
            return Err(problem("is that of a widget: the stage plays only plugins".to_owned()));
        }
        let mut plugin = Plugin { path: path.to_owned(), resource, name: String::new() };
        let (_, manifest) = plugin.manifest()?;
        plugin.domains_in(&manifest, true)?;
        plugin.name = manifest.name;
        Ok(plugin)
    }

    /// The manifest, and the texts of its files.
    ///
    /// # Errors
    ///
    /// If one of them cannot be read.
    pub fn read(&self) -> Result<Value, String> {
        let (all, manifest) = self.manifest()?;
        self.domains_in(&manifest, true)?;
        let ui = match &manifest.ui {
            None => Value::Null,
            Some(Ui::One(ui)) => json!(self.file("ui", ui)?),
            Some(Ui::Several(pages)) => {
                let page = |(name, path): (&String, &String)| {
                    Ok((name.clone(), json!(self.file("ui", path)?)))
                };
                Value::Object(pages.iter().map(page).collect::<Result<_, String>>()?)
            }
        };
        Ok(json!({
            "manifest": all,
            "main": self.file("main", &manifest.main)?,
            "ui": ui,
            "allowed_domains": self.domains_in(&manifest, false)?,
        }))
    }

    /// What the plugin may reach over the network, as sources of a content security policy.
    /// Without `networkAccess` in its manifest, everything.
    ///
    /// # Errors
    ///
    /// If the manifest cannot be read, or names something that is not a domain.
    pub fn domains(&self, with_development: bool) -> Result<Vec<String>, String> {
        let (_, manifest) = self.manifest()?;
        self.domains_in(&manifest, with_development)
    }

    fn domains_in(
        &self,
        manifest: &Manifest,
        with_development: bool,
    ) -> Result<Vec<String>, String> {
        let Some(access) = &manifest.network_access else { return Ok(vec!["*".to_owned()]) };
        let developed = access.dev_allowed_domains.iter().filter(|_| with_development);
        let domains = access.allowed_domains.iter().chain(developed);
        let sources = domains.filter(|domain| *domain != "none").map(|domain| {
            sources(domain).ok_or_else(|| {
                format!(
                    "the manifest {} has {domain:?} among its allowedDomains or devAllowedDomains, which is not a domain: write it like https://api.example.com, *.example.com or http://localhost:3000",
                    self.path.display()
                )
            })
        });
        Ok(sources.collect::<Result<Vec<_>, _>>()?.concat())
    }

    fn manifest(&self) -> Result<(Value, Manifest), String> {
        let problem = |error: serde_json::Error| {
            format!("the manifest {} cannot be used: {error}", self.path.display())
        };
        let text = read(&self.path)?;
        let all: Value = serde_json::from_str(&text).map_err(problem)?;
        let manifest = serde_json::from_str(&text).map_err(problem)?;
        Ok((all, manifest))
    }

    /// The text of a file that the manifest names.
    fn file(&self, key: &str, path: &str) -> Result<String, String> {
        let inside = |part: Component| matches!(part, Component::Normal(_) | Component::CurDir);
        if !Path::new(path).components().all(inside) {
            return Err(format!(
                "the manifest {} has {path:?} as {key}: give a path inside its folder",
                self.path.display()
            ));
        }
        let path = self.path.parent().unwrap_or(Path::new("")).join(path);
        fs::read_to_string(&path).map_err(|error| {
            format!(
                "{}, the {key} of the manifest, cannot be read: {error}; is the plugin built?",
                path.display()
            )
        })
    }
}

fn read(path: &Path) -> Result<String, String> {
    let text = fs::read_to_string(path)
        .map_err(|error| format!("the manifest {} cannot be read: {error}", path.display()))?;
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

/// A domain of a manifest as sources of a content security policy: `None` if it is no
/// domain. One without a scheme is reached over TLS alone, as in Figma.
fn sources(domain: &str) -> Option<Vec<String>> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"*.-_~%:/[]@".contains(&byte);
    if domain.is_empty() || !domain.bytes().all(plain) {
        return None;
    }
    let with_scheme = domain == "*" || domain.contains("://");
    Some(match with_scheme {
        true => vec![domain.to_owned()],
        false => vec![format!("https://{domain}"), format!("wss://{domain}")],
    })
}
