//! Reads the results of cargo-mutants.

use serde_json::Value;

/// A mutant that no test caught.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missed {
    pub file: String,
    /// What was changed. Unlike line and column, this stays when other code changes.
    pub change: String,
    /// File, line, column and change.
    pub name: String,
}

/// The results of a run.
#[derive(Debug, Default, PartialEq)]
pub struct Outcomes {
    caught: usize,
    unviable: usize,
    timeouts: Vec<String>,
    pub missed: Vec<Missed>,
}

impl Outcomes {
    /// Reads `outcomes.json` of cargo-mutants.
    pub fn parse(text: &str) -> Result<Self, String> {
        let json: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let listed = json["outcomes"].as_array().ok_or("there is no list of outcomes")?;
        let mut outcomes = Outcomes::default();
        for outcome in listed {
            let mutant = &outcome["scenario"]["Mutant"];
            let name = mutant["name"].as_str().unwrap_or_default().to_owned();
            match outcome["summary"].as_str() {
                Some("CaughtMutant") => outcomes.caught += 1,
                Some("Unviable") => outcomes.unviable += 1,
                Some("Timeout") => outcomes.timeouts.push(name),
                Some("MissedMutant") => {
                    let file = mutant["file"].as_str().unwrap_or_default().to_owned();
                    outcomes.missed.push(Missed { file, change: change(&name).to_owned(), name });
                }
                // The tests without a mutant.
                Some("Success") => {}
                Some("Failure") => return Err("the tests fail without a mutant".to_owned()),
                other => return Err(format!("the outcome {other:?} is not expected")),
            }
        }
        let counted = json["total_mutants"].as_u64();
        if counted != Some(outcomes.total() as u64) {
            return Err(format!("{} of {counted:?} mutants have an outcome", outcomes.total()));
        }
        Ok(outcomes)
    }

    fn total(&self) -> usize {
        self.caught + self.unviable + self.timeouts.len() + self.missed.len()
    }

    /// The share of caught mutants in percent. Those that do not compile or that time out
    /// do not count.
    pub fn share(&self) -> f64 {
        match self.caught + self.missed.len() {
            0 => 100.0,
            counted => 100.0 * self.caught as f64 / counted as f64,
        }
    }

    pub fn summary(&self) -> String {
        let mut text = String::new();
        for name in &self.timeouts {
            text += &format!("timeout: {name}\n");
        }
        text + &format!(
            "{} mutants: {} caught, {} missed, {} timed out, {} unviable; {:.1} % caught of the caught and missed\n",
            self.total(),
            self.caught,
            self.missed.len(),
            self.timeouts.len(),
            self.unviable,
            self.share()
        )
    }
}

/// The name of a mutant without file, line and column.
fn change(name: &str) -> &str {
    name.splitn(4, ':').nth(3).unwrap_or(name).trim_start()
}

#[cfg(test)]
mod tests {
    use super::Outcomes;

    #[test]
    fn outcomes_are_counted() {
        let listed = [
            ("Baseline", "Success"),
            ("src/a.rs:1:2: one", "CaughtMutant"),
            ("src/a.rs:1:2: two", "CaughtMutant"),
            ("src/a.rs:1:2: three", "CaughtMutant"),
            ("src/a.rs:93:20: replace < with <= in A::<B>::b", "MissedMutant"),
            ("src/a.rs:1:2: endless", "Timeout"),
            ("src/a.rs:1:2: not Rust", "Unviable"),
        ];
        let outcome = |(name, summary): (&str, &str)| {
            let scenario = match name {
                "Baseline" => serde_json::json!(name),
                _ => serde_json::json!({ "Mutant": { "name": name, "file": "src/a.rs" } }),
            };
            serde_json::json!({ "scenario": scenario, "summary": summary })
        };
        let json = serde_json::json!({ "outcomes": listed.map(outcome), "total_mutants": 6 });
        let outcomes = Outcomes::parse(&json.to_string()).unwrap();
        assert_eq!(outcomes.missed.len(), 1);
        assert_eq!(outcomes.missed[0].file, "src/a.rs");
        assert_eq!(outcomes.missed[0].change, "replace < with <= in A::<B>::b");
        assert_eq!(
            outcomes.summary(),
            "timeout: src/a.rs:1:2: endless\n\
             6 mutants: 3 caught, 1 missed, 1 timed out, 1 unviable; 75.0 % caught of the caught and missed\n"
        );
    }

    #[test]
    fn a_run_that_did_not_try_every_mutant_is_an_error() {
        let json = r#"{"outcomes": [{"scenario": "Baseline", "summary": "Failure"}]}"#;
        assert!(Outcomes::parse(json).unwrap_err().contains("fail without a mutant"));
        let json = r#"{"outcomes": [], "total_mutants": 3}"#;
        assert!(Outcomes::parse(json).unwrap_err().contains("0 of Some(3)"));
    }
}
