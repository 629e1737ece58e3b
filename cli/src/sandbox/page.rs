//! The files that a browser gets: those of `cli/page`, unchanged.

use figma_payments::sandbox::Reply;

/// The paths of all files but the documents begin with this.
pub const FILES: &str = "/_sandbox/files/";

/// A file of `cli/page`.
pub struct File {
    name: &'static str,
    content: &'static [u8],
}

macro_rules! file {
    ($name:literal) => {
        File { name: $name, content: include_bytes!(concat!("../../page/", $name)) }
    };
}

pub const INDEX: File = file!("index.html");
pub const STAGE: File = file!("stage.html");
pub const MAIN_FRAME: File = file!("main_frame.html");
pub const UI_FRAME: File = file!("ui_frame.html");

/// What the documents load.
const FILES_OF_DOCUMENTS: &[File] = &[
    file!("api.js"),
    file!("ask.js"),
    file!("clock.js"),
    file!("commands.js"),
    file!("dom.js"),
    file!("events.js"),
    file!("faults.js"),
    file!("fields.js"),
    file!("figma.js"),
    file!("limits.js"),
    file!("main_frame.js"),
    file!("page.css"),
    file!("page.js"),
    file!("purchases.js"),
    file!("requests.js"),
    file!("settings.js"),
    file!("stage.css"),
    file!("stage.js"),
    file!("stage_checkout.js"),
    file!("stage_console.js"),
    file!("stage_notifications.js"),
    file!("stage_plugin.js"),
    file!("stage_purchases.js"),
    file!("stage_run.js"),
    file!("tokens.js"),
];

/// What the documents of the sandbox itself may do: use its own files and its API, and
/// nothing else. Text cannot become markup in them.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// A document of the sandbox itself.
pub fn document(file: &File) -> Reply {
    document_with_policy(file, POLICY)
}

/// A document with this content security policy.
pub fn document_with_policy(file: &File, policy: &str) -> Reply {
    reply(file)
        .header("content-security-policy", policy)
        // A page that opens this one has no way to it, nor to the frames in it.
        .header("cross-origin-opener-policy", "same-origin")
}

/// What a document loads. `None` if there is no such file.
pub fn file(name: &str) -> Option<Reply> {
    FILES_OF_DOCUMENTS.iter().find(|file| file.name == name).map(reply)
}

fn reply(file: &File) -> Reply {
    let content_type = match file.name.rsplit_once('.') {
        Some((_, "html")) => "text/html; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        _ => "text/javascript; charset=utf-8",
    };
    Reply::json(200, file.content)
        .header("content-type", content_type)
        .header("cache-control", "no-cache")
        .header("referrer-policy", "no-referrer")
        .header("x-content-type-options", "nosniff")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_page_is_in_the_program() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/page");
        let name = |entry: std::io::Result<std::fs::DirEntry>| {
            entry.unwrap().file_name().into_string().unwrap()
        };
        let mut there: Vec<_> = std::fs::read_dir(folder).unwrap().map(name).collect();
        there.sort();
        let documents = [INDEX, STAGE, MAIN_FRAME, UI_FRAME];
        let mut known: Vec<_> =
            documents.iter().chain(FILES_OF_DOCUMENTS).map(|file| file.name).collect();
        known.sort_unstable();
        assert_eq!(known, there);
    }
}
