//! A page of Markdown, taken apart. It knows what these pages use, and no more.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

pub struct Page {
    /// From the root of the repository: `docs/production.md`.
    pub path: PathBuf,
    pub text: String,
    pub code: Vec<CodeBlock>,
    /// The definitions of links at the end: from the name of a link to its target.
    pub definitions: BTreeMap<String, String>,
    /// The names of the links in the text.
    pub used: BTreeSet<String>,
    /// Targets that stand in the text and not at the end.
    pub inline: Vec<String>,
    /// Headings, as fragments of a link.
    pub anchors: BTreeSet<String>,
}

pub struct CodeBlock {
    /// `rust,no_run`.
    pub info: String,
    pub text: String,
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

pub fn readme() -> Page {
    Page::parse("README.md".into(), read("README.md"))
}

/// The README and the files of `docs/`.
pub fn pages() -> Vec<Page> {
    let files = fs::read_dir(root().join("docs")).unwrap();
    let paths = files.map(|file| Path::new("docs").join(file.unwrap().file_name()));
    let texts = paths.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let mut pages: Vec<Page> = texts.map(|path| Page::parse(path.clone(), read(path))).collect();
    pages.push(readme());
    pages
}

impl Page {
    pub fn parse(path: PathBuf, text: String) -> Page {
        let mut prose = String::new();
        let mut code = Vec::new();
        let mut definitions = BTreeMap::new();
        let mut anchors = BTreeSet::new();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if let Some(info) = line.strip_prefix("```") {
                let block = lines.by_ref().take_while(|line| !line.starts_with("```"));
                let text = block.map(|line| format!("{line}\n")).collect();
                code.push(CodeBlock { info: info.to_owned(), text });
            } else if let Some((name, target)) = definition(line) {
                let twice = definitions.insert(name, target);
                assert!(twice.is_none(), "{path:?} defines a link twice: {line}");
            } else {
                if let Some(heading) = line.trim_start_matches('#').strip_prefix(' ') {
                    anchors.extend(line.starts_with('#').then(|| anchor(heading)));
                }
                prose.push_str(line);
                prose.push('\n');
            }
        }
        let (used, inline) = references(&prose);
        Page { path, text, code, definitions, used, inline, anchors }
    }

    /// The file that a relative target leads to, from the root, and the fragment.
    pub fn resolve<'a>(&self, target: &'a str) -> (PathBuf, Option<&'a str>) {
        let (file, fragment) = match target.split_once('#') {
            Some((file, fragment)) => (file, Some(fragment)),
            None => (target, None),
        };
        if file.is_empty() {
            return (self.path.clone(), fragment);
        }
        let mut path = self.path.parent().unwrap().to_owned();
        for part in Path::new(file) {
            if part == ".." {
                path.pop();
            } else {
                path.push(part);
            }
        }
        (path, fragment)
    }
}

/// Takes apart `[name]: target`. Names are compared without case.
pub fn definition(line: &str) -> Option<(String, String)> {
    let (name, target) = line.strip_prefix('[')?.split_once("]: ")?;
    Some((normalized(name), target.trim().to_owned()))
}

fn normalized(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// The fragment that forges and rustdoc give a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// The names of the links in this text, and the targets that stand in it.
fn references(prose: &str) -> (BTreeSet<String>, Vec<String>) {
    let mut used = BTreeSet::new();
    let mut inline = Vec::new();
    let mut rest = prose;
    while let Some(at) = rest.find(['[', '`']) {
        rest = &rest[at..];
        if rest.starts_with('`') {
            let run = rest.len() - rest.trim_start_matches('`').len();
            let code = &rest[run..];
            let end = code.find(&rest[..run]).unwrap_or_else(|| panic!("a ` without end: {rest}"));
            rest = &code[end + run..];
            continue;
        }
        let (text, after) = rest[1..].split_once(']').expect("a [ without end");
        if let Some((target, after)) = after.strip_prefix('(').and_then(|it| it.split_once(')')) {
            inline.push(target.to_owned());
            rest = after;
        } else if let Some((name, after)) =
            after.strip_prefix('[').and_then(|it| it.split_once(']'))
        {
            used.insert(normalized(name));
            rest = after;
        } else {
            used.insert(normalized(text));
            rest = after;
        }
    }
    (used, inline)
}

#[test]
fn a_page_is_taken_apart() {
    let text = "# Big, `big`\n[One] and [two\nthree][`Four`], [five](#six), `[no]`\n```rust\n[no]\n```\n\n[one]: a.md\n";
    let page = Page::parse("docs/page.md".into(), text.to_owned());
    assert_eq!(page.used, ["`four`", "one"].map(str::to_owned).into());
    assert_eq!(page.inline, ["#six"]);
    assert_eq!(page.anchors, ["big-big".to_owned()].into());
    assert_eq!(page.definitions["one"], "a.md");
    assert_eq!((page.code[0].info.as_str(), page.code[0].text.as_str()), ("rust", "[no]\n"));
    assert_eq!(page.resolve("../src/a.rs#b"), ("src/a.rs".into(), Some("b")));
}
