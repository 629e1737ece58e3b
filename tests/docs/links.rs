//! Links lead to files in the repository, so that they work where a page is read as a file.
//! In the documentation the same names lead to items and modules: the definitions in
//! `src/docs/links` come before those of the page, and the first one counts. rustdoc checks
//! that they lead somewhere; here they are held together. A picture is in the documentation
//! itself, because nobody serves the file there.

use std::collections::BTreeMap;

use base64::prelude::{BASE64_STANDARD, Engine};

use crate::page::{Page, definition, pages, read, root};

const API: &str = include_str!("../snapshots/public-api.txt");

/// The definitions in a file of `src/docs/links`.
fn overrides(name: &str) -> BTreeMap<String, String> {
    let text = read(format!("src/docs/links/{name}.md"));
    let lines = text.lines();
    let defined = lines.map(|line| definition(line).unwrap_or_else(|| panic!("{name}.md: {line}")));
    let overrides: BTreeMap<String, String> = defined.collect();
    assert_eq!(overrides.len(), text.lines().count(), "{name}.md defines a name twice");
    overrides
}

/// All of them, with every feature.
fn all_overrides() -> BTreeMap<String, String> {
    ["always", "cache", "pictures", "redis", "sandbox"].into_iter().flat_map(overrides).collect()
}

/// Whether the API has this item, for instance `Client::new`.
fn is_public(path: &str) -> bool {
    let item = format!("figma_payments::{path}");
    API.match_indices(&item).any(|(at, _)| {
        let rest = &API[at + item.len()..];
        !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_') && !rest.starts_with("::")
    })
}

#[test]
fn every_link_is_defined_and_every_definition_is_used() {
    for page in pages() {
        let defined = page.definitions.keys().cloned().collect();
        assert_eq!(page.used, defined, "{:?}: left in the text, right at the end", page.path);
    }
}

#[test]
fn every_link_leads_to_a_file_of_this_repository() {
    for page in pages() {
        for target in page.definitions.values().chain(&page.inline) {
            let (path, fragment) = page.resolve(target);
            assert!(root().join(&path).is_file(), "{:?} leads to {target}", page.path);
            if let Some(fragment) = fragment {
                let anchors = Page::parse(path.clone(), read(&path)).anchors;
                assert!(anchors.contains(fragment), "{:?}: {target} is no heading", page.path);
            }
        }
        // rustdoc would take any other one as it stands.
        assert!(page.inline.iter().all(|target| target.starts_with('#')), "{:?}", page.inline);
    }
}

#[test]
fn every_link_leads_somewhere_else_in_the_documentation() {
    let overrides = all_overrides();
    for page in pages() {
        for (name, target) in &page.definitions {
            let Some(instead) = overrides.get(name) else {
                panic!("{:?}: {name} is in none of the files of src/docs/links", page.path);
            };
            let (path, _) = page.resolve(target);
            let Some(item) = name.strip_prefix('`').and_then(|it| it.strip_suffix('`')) else {
                continue;
            };
            assert!(instead.to_lowercase().ends_with(item), "{name} leads to {instead}");
            let (_, last) = instead.rsplit_once("::").unwrap();
            let source = read(&path);
            assert!(source.contains(last), "{:?}: {path:?} does not have {name}", page.path);
        }
    }
}

#[test]
fn what_the_documentation_leads_to_exists() {
    let modules = read("src/docs/mod.rs");
    let readme = Page::parse("README.md".into(), read("README.md"));
    for (name, target) in all_overrides() {
        let exists = if let Some(heading) = target.strip_prefix("crate::docs#") {
            modules.contains(&format!("//! # {}", name_of(heading, &name)))
        } else if let Some(page) = target.strip_prefix("crate::docs::") {
            modules.contains(&format!("page!({page}, \"../../docs/{page}.md\")"))
        } else if let Some(heading) = target.strip_prefix("crate#") {
            readme.anchors.contains(heading)
        } else if let Some(picture) = target.strip_prefix("data:image/webp;base64,") {
            let name = name.strip_prefix("picture of the ").unwrap();
            let file = root().join(format!("docs/pictures/{name}.webp"));
            BASE64_STANDARD.encode(std::fs::read(file).unwrap()) == picture
        } else {
            is_public(target.strip_prefix("crate::").unwrap_or(&target))
        };
        assert!(exists, "{name} leads to {target}");
    }
}

/// The heading of `src/docs/mod.rs` that a link such as `the program` leads to.
fn name_of(heading: &str, name: &str) -> String {
    assert_eq!(heading, name.replace(' ', "-"));
    let mut name = name.to_owned();
    name[..1].make_ascii_uppercase();
    name
}

#[test]
fn without_a_feature_its_links_lead_to_the_list_of_features() {
    let readme = Page::parse("README.md".into(), read("README.md"));
    for feature in ["cache", "redis", "sandbox"] {
        let without = overrides(&format!("without_{feature}"));
        assert!(overrides(feature).keys().eq(without.keys()), "{feature}");
        for target in without.values() {
            let heading = target.strip_prefix("crate#").unwrap();
            assert!(readme.anchors.contains(heading), "{target}");
        }
        assert!(readme.text.contains(&format!("| `{feature}` |")), "{feature}");
    }
}

#[test]
fn every_page_is_in_the_documentation() {
    let code = read("src/docs/mod.rs") + &read("src/sandbox/mod.rs") + &read("src/lib.rs");
    for page in pages() {
        let included = format!("../{}\")", page.path.display());
        assert!(code.contains(&included), "no module includes {:?}", page.path);
    }
}

/// Until the crate is published there is no page of it anywhere.
#[test]
fn no_address_leads_to_what_does_not_exist() {
    let files = ["cli/README.md", "gate/README.md", "openapi/README.md"]
        .map(|path| (path.into(), read(path)));
    let pages = pages().into_iter().map(|page| (page.path, page.text));
    for (path, text) in pages.chain(files) {
        for (at, scheme) in text.match_indices("://") {
            let rest = &text[at + scheme.len()..];
            assert!(rest.starts_with("127.0.0.1") || rest.starts_with('`'), "{path:?}: {rest:.40}");
        }
        for address in ["docs.rs", "github.com", "crates.io"] {
            assert!(!text.contains(address), "{path:?}: {address}");
        }
    }
    for manifest in ["Cargo.toml", "cli/Cargo.toml", "gate/Cargo.toml", "openapi/Cargo.toml"] {
        let text = read(manifest);
        for key in ["repository", "homepage", "documentation"] {
            assert!(!text.lines().any(|line| line.starts_with(key)), "{manifest}: {key}");
        }
    }
}
