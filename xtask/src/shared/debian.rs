//! Debian's packages.

use std::process::Command;

use crate::shared::process::printed;

/// Installs these packages, without those that they only recommend, if the user is root.
/// Whether they were installed shows in whether their files exist.
pub fn install_as_root(packages: &[&str]) {
    if printed("id", &["-u"]).as_deref() != Some("0") {
        return;
    }
    let install = [&["install", "--yes", "--no-install-recommends"], packages].concat();
    for arguments in [&["update"][..], &install] {
        println!("installing: apt-get {}", arguments.join(" "));
        let mut apt = Command::new("apt-get");
        let _ = apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").output();
    }
}
