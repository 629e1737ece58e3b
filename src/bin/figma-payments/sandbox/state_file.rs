//! The file of purchases: readable, and whole at any moment, whenever the
//! program is killed.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use figma_payments::sandbox::Purchase;
use serde::{Deserialize, Serialize};

const EXPECTED: &str = r#"{"purchases": [{"user_id": "500123", "plugin_id": "1122334455", "payment_status": "PAID", "date_of_purchase": "2024-06-15T14:30:00Z"}]} is expected, or no file"#;

/// Where the purchases are kept. One program at a time writes it.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    purchases: Vec<Purchase>,
}

impl StateFile {
    /// Reads the file; makes an empty one if there is none, to see at once
    /// whether it can be written.
    pub fn open(path: &Path) -> Result<(Self, Vec<Purchase>), String> {
        let problem = |what: &str, why: &dyn std::fmt::Display| {
            format!("the state file {} {what}: {why}", path.display())
        };
        let purchases = match fs::read(path) {
            Ok(text) => {
                parse(&text).map_err(|why| problem("is not one", &format!("{why}; {EXPECTED}")))?
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let fresh = StateFile { path: path.to_owned() };
                fresh.write(Vec::new()).map_err(|error| problem("cannot be written", &error))?;
                Vec::new()
            }
            Err(error) => return Err(problem("cannot be read", &error)),
        };
        // What a link leads to is replaced, and not the link.
        let path = fs::canonicalize(path).map_err(|error| problem("cannot be found", &error))?;
        Ok((StateFile { path }, purchases))
    }

    /// Replaces the contents. Whoever reads the file, whenever, reads the old
    /// ones or the new ones.
    pub fn write(&self, purchases: Vec<Purchase>) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(&Contents { purchases })?;
        text.push(b'\n');
        let mut name = self.path.clone().into_os_string();
        name.push(".new");
        let new = PathBuf::from(name);
        let mut file = File::create(&new)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        // So that the new name outlives a power cut; not every system can.
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

fn parse(text: &[u8]) -> Result<Vec<Purchase>, String> {
    let contents: Contents = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let mut seen = BTreeSet::new();
    for purchase in &contents.purchases {
        if !seen.insert((&purchase.user, &purchase.resource)) {
            return Err(format!("user {} has {} twice", purchase.user, purchase.resource));
        }
    }
    Ok(contents.purchases)
}
