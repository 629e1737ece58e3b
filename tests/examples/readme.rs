//! The README's links. GitHub and the registry do not know Rust's paths, so the README ends
//! with an address for each of them. Here each is compared with the listing of the public
//! API.

use std::collections::BTreeSet;

const README: &str = include_str!("../../README.md");
const API: &str = include_str!("../snapshots/public-api.txt");
const DOCS: &str = "https://docs.rs/figma-payments/latest/figma_payments/";

/// Whether the API has this item, for instance `struct` and `Client`.
fn exists(kind: &str, path: &str) -> bool {
    let keyword = match kind {
        "constant" => "const ",
        "struct" => "struct ",
        "enum" => "enum ",
        "mod" => "mod ",
        "method" => "fn ",
        "variant" => "",
        other => panic!("{other} is not a kind of item that this test knows"),
    };
    let item = format!("pub {keyword}figma_payments::{path}");
    let ends = |rest: &str| {
        !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_') && !rest.starts_with("::")
    };
    API.lines().any(|line| line.split_once(&item).is_some_and(|(_, rest)| ends(rest)))
}

/// Splits `struct.Client.html#method.new` into the kinds and the path: `struct` and
/// `method`, `Client::new`. A page without a kind is that of a module.
fn parse(page: &str) -> (Vec<&str>, String) {
    if let Some(module) = page.strip_suffix("/index.html") {
        return (vec!["mod"], module.replace('/', "::"));
    }
    let (item, member) = page.split_once('#').unwrap_or((page, ""));
    let (kind, name) = item.strip_suffix(".html").unwrap().split_once('.').unwrap();
    match member.split_once('.') {
        Some((member_kind, member)) => (vec![kind, member_kind], format!("{name}::{member}")),
        None => (vec![kind], name.to_owned()),
    }
}

#[test]
fn every_link_to_the_api_leads_to_the_item_that_it_names() {
    let mut defined = BTreeSet::new();
    let mut used = BTreeSet::new();
    for line in README.lines() {
        if let Some((name, address)) = line.strip_prefix("[`").and_then(|it| it.split_once("`]: "))
        {
            let page = address.strip_prefix(DOCS).unwrap_or_else(|| panic!("{name}: {address}"));
            let (kinds, path) = parse(page);
            assert_eq!(path, name, "{address}");
            let parent = path.rsplit_once("::").map_or("", |(parent, _)| parent);
            match kinds[..] {
                [kind] => assert!(exists(kind, name), "the public API has no {kind} {name}"),
                [kind, member] => assert!(
                    exists(kind, parent) && exists(member, name),
                    "the public API has no {kind} {parent} with a {member} {name}"
                ),
                _ => unreachable!("there are one or two kinds"),
            }
            defined.insert(name);
        } else {
            used.extend(line.split("[`").skip(1).filter_map(|it| Some(it.split_once("`]")?.0)));
        }
    }
    assert_eq!(used, defined, "left: links in the text, right: addresses at the end of README.md");
}
