//! The files of a package, and which of them imports from which: every path in the
//! code that begins with `crate`, `super` or `self`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::Visit;

/// A module by its path in the crate: `["client", "retry"]`.
type ModulePath = Vec<String>;

/// One import.
pub struct Arrow {
    /// The file that imports, below the package's `src`.
    pub from: PathBuf,
    /// The file that defines what is imported.
    pub to: PathBuf,
    /// As it stands in the code.
    pub path: String,
}

/// The package's imports from one of its files to another, in all of its code: tests
/// and what is compiled for some targets or features alone are read too.
pub fn arrows(source: &Path) -> Vec<Arrow> {
    let files: BTreeMap<ModulePath, PathBuf> =
        rust_files(source).into_iter().map(|file| (module_path(&file), file)).collect();
    let mut arrows = Vec::new();
    for (module, file) in &files {
        let text = fs::read_to_string(source.join(file)).unwrap();
        let mut paths = Paths { module: module.clone(), found: BTreeSet::new() };
        paths.visit_file(&syn::parse_file(&text).unwrap());
        for path in paths.found {
            let defined_in = (0..=path.len()).rev().find_map(|end| files.get(&path[..end]));
            let to = defined_in.expect("every crate has a root");
            if to != file {
                let path = format!("crate::{}", path.join("::"));
                arrows.push(Arrow { from: file.clone(), to: to.clone(), path });
            }
        }
    }
    arrows
}

/// All files below `source`, by their path from there.
pub fn rust_files(source: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![source.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path.strip_prefix(source).unwrap().to_owned());
            }
        }
    }
    files.sort();
    files
}

fn module_path(file: &Path) -> ModulePath {
    let mut path: ModulePath =
        file.with_extension("").iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if matches!(path.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        path.pop();
    }
    path
}

/// Collects the paths, from the crate's root on.
struct Paths {
    /// Where we are: the file's module, and modules inside the file.
    module: ModulePath,
    found: BTreeSet<ModulePath>,
}

impl Paths {
    fn add(&mut self, names: &[String]) {
        let mut names = names.iter().peekable();
        let mut path = match names.next().map(String::as_str) {
            Some("crate") => Vec::new(),
            Some("self") => self.module.clone(),
            Some("super") => parent(&self.module),
            _ => return,
        };
        while names.next_if(|name| *name == "super").is_some() {
            path = parent(&path);
        }
        path.extend(names.cloned());
        self.found.insert(path);
    }

    fn add_tree(&mut self, tree: &syn::UseTree, before: &[String]) {
        let and = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.add_tree(&path.tree, &and(&path.ident)),
            syn::UseTree::Name(name) => self.add(&and(&name.ident)),
            syn::UseTree::Rename(rename) => self.add(&and(&rename.ident)),
            syn::UseTree::Glob(_) => self.add(before),
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.add_tree(tree, before));
            }
        }
    }
}

fn parent(module: &[String]) -> ModulePath {
    module[..module.len().saturating_sub(1)].to_vec()
}

impl<'a> Visit<'a> for Paths {
    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        self.module.push(item.ident.to_string());
        syn::visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        self.add_tree(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|it| it.ident.to_string()).collect();
        // `self` and `crate` alone are values and visibilities.
        if names.len() > 1 {
            self.add(&names);
        }
        syn::visit::visit_path(self, path);
    }
}
