//! A server's date that a test can move while the server runs.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::process::{self, Command};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crate::folder::Folder;

const SHIM: &str = include_str!("../clock_shim.c");

/// The difference between a server's date and the system's.
#[derive(Debug)]
pub struct Clock {
    path: PathBuf,
    file: Mutex<(File, i64)>,
}

impl Clock {
    pub(super) fn new(folder: &Folder) -> Self {
        let path = folder.write("clock", 0_i64.to_ne_bytes());
        // Not truncated: the server has mapped it.
        let file = OpenOptions::new().write(true).open(&path);
        let file = file.expect("a file in a temporary folder can be written");
        Clock { path, file: Mutex::new((file, 0)) }
    }

    pub(super) fn attach(&self, command: &mut Command) {
        command.env("LD_PRELOAD", library()).env("FLEET_CLOCK", &self.path);
    }

    /// Moves the date forward.
    pub fn forward(&self, by: Duration) {
        self.move_by(i64::try_from(by.as_micros()).expect("a time that fits"));
    }

    /// Moves the date back.
    pub fn back(&self, by: Duration) {
        self.move_by(-i64::try_from(by.as_micros()).expect("a time that fits"));
    }

    /// Sets it to the system's again.
    pub fn reset(&self) {
        let shift = self.shift();
        self.move_by(-shift);
    }

    /// How far it is ahead, in microseconds.
    pub fn shift(&self) -> i64 {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    fn move_by(&self, micros: i64) {
        let mut guard = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, shift) = &mut *guard;
        *shift += micros;
        file.seek(SeekFrom::Start(0)).expect("the file of the clock can be written");
        file.write_all(&shift.to_ne_bytes()).expect("the file of the clock can be written");
    }
}

/// The library that a server preloads. It is compiled once, beside the test program.
fn library() -> &'static PathBuf {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let program = std::env::current_exe().expect("the test knows its own program");
        let folder = program.parent().expect("a program is in a folder");
        let part = folder.join(format!("fleet_clock_shim-{}.so", process::id()));
        let library = folder.join("fleet_clock_shim.so");
        compile(&part);
        // Another test program may be using the library, so it is replaced and not written.
        fs::rename(&part, &library).expect("the library can be renamed");
        library
    })
}

fn compile(library: &PathBuf) {
    let folder = Folder::new();
    let source = folder.write("clock_shim.c", SHIM);
    let mut compiler = Command::new("cc");
    compiler.args(["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"]);
    let compiled = compiler.arg(library).arg(source).status();
    assert!(compiled.is_ok_and(|status| status.success()), "cc does not compile clock_shim.c");
}
