//! What the project's structure has to stay: which room imports from which, and what
//! users of the library can rely on at compile time.

mod imports;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use figma_payments::{
    Client, ClientBuilder, Error, ErrorKind, PaymentInformation, PaymentParams, PaymentQuery,
    PersonalAccessToken, PluginPaymentToken, Resource, UserId,
};

fn shared_between_threads<T: Send + Sync>() {}
fn sent<T: Send>(_: T) {}

#[test]
fn what_a_server_shares_can_be_shared() {
    shared_between_threads::<Client>();
    shared_between_threads::<Error>();
    shared_between_threads::<ErrorKind>();
    shared_between_threads::<PaymentInformation>();
    shared_between_threads::<PaymentParams>();
    shared_between_threads::<PaymentQuery>();
    shared_between_threads::<PersonalAccessToken>();
    shared_between_threads::<PluginPaymentToken>();
    shared_between_threads::<Resource>();
    sent(Client::builder(PersonalAccessToken::new("figd_x").unwrap()));
    fn cloned<T: Clone>() {}
    cloned::<Client>();
    cloned::<Error>();
    // Not called: it is enough that it compiles.
    fn _futures(client: &Client, builder: ClientBuilder, query: PaymentQuery) {
        sent(client.get_payments(query));
        sent(builder);
    }
}

#[test]
fn an_error_is_as_large_as_a_pointer() {
    assert_eq!(size_of::<Error>(), size_of::<usize>());
    assert_eq!(size_of::<Option<Error>>(), size_of::<usize>());
    let user: Result<UserId, Error> = "x".parse();
    let error: Box<dyn std::error::Error + Send + Sync + 'static> = user.unwrap_err().into();
    assert!(error.downcast_ref::<Error>().is_some());
}

/// The rooms of the library from the top. Each imports only from those after it.
const ROOMS: [&str; 7] = ["sandbox", "cache", "client", "store", "platform", "model", "error"];

/// The packages, by the folder of their source.
const SOURCES: [&str; 5] = ["src", "cli/src", "gate/src", "openapi/src", "xtask/src"];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The room that a file of the library is in. The root and the fuzzer's entry see all
/// rooms, and the generated bindings name types of several.
fn room(file: &Path) -> Option<usize> {
    let name = file.iter().next()?.to_str()?.trim_end_matches(".rs");
    match name {
        "lib" | "api" | "fuzzing" => None,
        _ => Some(ROOMS.iter().position(|room| *room == name).unwrap_or_else(|| {
            panic!("{file:?} is in no room; move it into one of {ROOMS:?}, or add a room here")
        })),
    }
}

#[test]
fn each_room_imports_only_from_rooms_below() {
    let mut wrong = BTreeSet::new();
    for arrow in imports::arrows(&folder("src")) {
        let (Some(from), to) = (room(&arrow.from), room(&arrow.to)) else { continue };
        if arrow.to == Path::new("lib.rs") {
            wrong.insert(format!(
                "{} imports {} by way of lib.rs; import it from where it is defined",
                arrow.from.display(),
                arrow.path
            ));
        } else if to.is_some_and(|to| to < from) {
            wrong.insert(format!(
                "{} -> {}: {} is above {}, and may not be imported there ({})",
                arrow.from.display(),
                arrow.to.display(),
                ROOMS[to.unwrap_or_default()],
                ROOMS[from],
                arrow.path
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", Vec::from_iter(wrong).join("\n"));
}

#[test]
fn no_files_import_each_other() {
    for source in SOURCES {
        let mut imports: BTreeMap<PathBuf, BTreeSet<PathBuf>> = BTreeMap::new();
        for arrow in imports::arrows(&folder(source)) {
            // `src/lib.rs` only names what is public, and the bindings are generated.
            let exempt = |file: &Path| source == "src" && room(file).is_none();
            if !exempt(&arrow.from) && !exempt(&arrow.to) {
                imports.entry(arrow.from).or_default().insert(arrow.to);
            }
        }
        if let Some(circle) = circle(&imports) {
            let files: Vec<String> = circle.iter().map(|file| file.display().to_string()).collect();
            panic!(
                "in {source} these files import each other: {}; move what they share into a file of its own",
                files.join(" -> ")
            );
        }
    }
}

/// A way from a file over its imports back to itself.
fn circle(imports: &BTreeMap<PathBuf, BTreeSet<PathBuf>>) -> Option<Vec<PathBuf>> {
    fn walk<'a>(
        file: &'a PathBuf,
        imports: &'a BTreeMap<PathBuf, BTreeSet<PathBuf>>,
        way: &mut Vec<&'a PathBuf>,
        done: &mut BTreeSet<&'a PathBuf>,
    ) -> Option<Vec<PathBuf>> {
        if let Some(begin) = way.iter().position(|passed| *passed == file) {
            way.push(file);
            return Some(way[begin..].iter().map(|file| (*file).clone()).collect());
        }
        if !done.insert(file) {
            return None;
        }
        way.push(file);
        let circle =
            imports.get(file).into_iter().flatten().find_map(|to| walk(to, imports, way, done));
        way.pop();
        circle
    }
    let mut done = BTreeSet::new();
    imports.keys().find_map(|file| walk(file, imports, &mut Vec::new(), &mut done))
}

#[test]
fn a_module_with_children_is_a_mod_rs() {
    for source in SOURCES {
        for file in imports::rust_files(&folder(source)) {
            let beside = folder(source).join(file.with_extension(""));
            assert!(
                !beside.is_dir(),
                "{source}/{}: move it to mod.rs in the folder of that name",
                file.display()
            );
        }
    }
}

/// The builder has two settings that wasm has not.
#[test]
fn only_the_platform_depends_on_the_target() {
    for file in imports::rust_files(&folder("src")) {
        let text = fs::read_to_string(folder("src").join(&file)).unwrap();
        let allowed = file.starts_with("platform") || file == Path::new("client/builder.rs");
        assert!(
            allowed || !text.contains("target_arch"),
            "{} depends on `target_arch`; that belongs in src/platform",
            file.display()
        );
    }
}

#[test]
fn every_file_begins_with_what_is_in_it() {
    for source in SOURCES {
        for file in imports::rust_files(&folder(source)) {
            let text = fs::read_to_string(folder(source).join(&file)).unwrap();
            assert!(
                text.starts_with("//") || text.starts_with("#![doc"),
                "{source}/{} has to begin with a comment that says what is in it",
                file.display()
            );
        }
    }
}
