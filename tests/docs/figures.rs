//! Figures and lists that stand in two places.

use crate::page::{read, readme};

/// The README is for somebody who decides in three minutes.
#[test]
fn the_readme_is_short() {
    let words = readme().text.split_whitespace().count();
    assert!(words <= 1050, "{words} words");
}

#[test]
fn the_readmes_figures_are_those_of_the_page_on_costs() {
    let readme = readme().text;
    let (_, costs) = readme.split_once("## What it costs").unwrap();
    let (costs, _) = costs.split_once("\n## ").unwrap();
    let page = read("docs/costs.md");
    let figures = |text: &str| -> Vec<String> {
        let is_figure = |c: char| c.is_ascii_digit() || ",.".contains(c);
        let words = text.split(|c| !is_figure(c)).map(|word| word.trim_matches([',', '.']));
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    let measured = figures(&page);
    let told = figures(costs);
    assert!(told.len() >= 8, "{told:?}");
    for figure in told {
        assert!(measured.contains(&figure), "docs/costs.md does not have {figure}");
    }
}

#[test]
fn the_page_on_the_document_has_every_correction() {
    let page = read("docs/document.md");
    for line in read("openapi/tests/corrections.lock.txt").lines() {
        let (id, _) = line.split_once(' ').unwrap();
        assert!(page.contains(&format!("`{id}`")), "docs/document.md does not have {id}");
    }
}
