//! Reads `survivors.toml`: the mutants that may survive.

use toml::Table;

use super::outcomes::Missed;

/// The file, for messages.
pub const FILE: &str = "xtask/src/tasks/deep/mutants/survivors.toml";

/// The mutants that may survive.
#[derive(Debug, Default)]
pub struct Survivors(Vec<Survivor>);

#[derive(Debug)]
pub struct Survivor {
    pub file: String,
    pub mutant: String,
    /// How many mutants of the file have this text.
    count: usize,
}

impl Survivors {
    pub fn parse(text: &str) -> Result<Self, String> {
        let table: Table = text.parse().map_err(|error| format!("{FILE}: {error}"))?;
        if let Some(key) = table.keys().find(|key| *key != "survivor") {
            return Err(format!("{FILE}: the key `{key}` is not known; use [[survivor]]"));
        }
        let entries = table.get("survivor").and_then(toml::Value::as_array);
        let survivor = |entry: &toml::Value| {
            let text = |key: &str| {
                let value = entry.get(key).and_then(toml::Value::as_str).unwrap_or_default();
                match value.trim().is_empty() {
                    false => Ok(value.to_owned()),
                    true => Err(format!("{FILE}: an entry has no {key}: {entry:?}")),
                }
            };
            text("reason")?;
            let count = entry.get("count").map_or(Some(1), toml::Value::as_integer);
            let count = count.and_then(|count| usize::try_from(count).ok());
            Ok(Survivor {
                file: text("file")?,
                mutant: text("mutant")?,
                count: count
                    .ok_or_else(|| format!("{FILE}: the count is not a number: {entry:?}"))?,
            })
        };
        entries.into_iter().flatten().map(survivor).collect::<Result<_, String>>().map(Survivors)
    }

    /// The missed mutants without an entry. If more mutants have the text of an entry than
    /// it allows, all of them.
    pub fn unlisted<'a>(&self, missed: &'a [Missed]) -> Vec<&'a Missed> {
        let is_listed = |it: &&Missed| {
            let same =
                missed.iter().filter(|other| other.file == it.file && other.change == it.change);
            let entry = self.0.iter().find(|entry| entry.covers(it));
            entry.is_some_and(|entry| same.count() <= entry.count)
        };
        missed.iter().filter(|it| !is_listed(it)).collect()
    }

    /// The entries whose mutants are caught now, or no longer exist.
    pub fn not_needed(&self, missed: &[Missed]) -> impl Iterator<Item = &Survivor> {
        self.0.iter().filter(|entry| !missed.iter().any(|it| entry.covers(it)))
    }
}

impl Survivor {
    fn covers(&self, missed: &Missed) -> bool {
        self.file == missed.file && self.mutant == missed.change
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: &str = r#"
        [[survivor]]
        file = "src/client/retry.rs"
        mutant = "replace < with <= in RetryPolicy::wait"
        count = 2
        reason = "The wait is the same."
    "#;

    fn missed(change: &str) -> Missed {
        let file = "src/client/retry.rs".to_owned();
        Missed { name: format!("{file}:93:20: {change}"), file, change: change.to_owned() }
    }

    const WAIT: &str = "replace < with <= in RetryPolicy::wait";

    #[test]
    fn the_file_can_be_read() {
        Survivors::parse(include_str!("survivors.toml")).unwrap();
        assert_eq!(Survivors::parse(LISTED).unwrap().0.len(), 1);
    }

    #[test]
    fn an_entry_without_a_reason_is_refused() {
        let error = Survivors::parse(&LISTED.replace("The wait is the same.", " ")).unwrap_err();
        assert!(error.contains("no reason"), "{error}");
        let error = Survivors::parse(&LISTED.replace("[[survivor]]", "[[survivors]]")).unwrap_err();
        assert!(error.contains("`survivors` is not known"), "{error}");
    }

    #[test]
    fn missed_mutants_without_an_entry_are_unlisted() {
        let survivors = Survivors::parse(LISTED).unwrap();
        let other = "replace < with > in RetryPolicy::wait";
        let found = [missed(WAIT), missed(other), missed(WAIT)];
        assert_eq!(survivors.unlisted(&found), [&found[1]]);
        assert_eq!(survivors.not_needed(&found).count(), 0);
        assert_eq!(survivors.not_needed(&found[1..2]).count(), 1);
        let three = [missed(WAIT), missed(WAIT), missed(WAIT)];
        assert_eq!(survivors.unlisted(&three).len(), 3, "the entry allows two");
    }
}
