//! `cargo xtask simulate`: how many users one Figma account can serve. Runs the program in
//! `tests/simulation`, writes tables of docs/fleet.md, and prints every figure.

use std::process::{Command, Stdio};

use crate::shared::process::{captured, cargo, succeed};
use crate::shared::workspace::Workspace;
use crate::tasks::costs_page::{self, table, thousands};

const PACKAGE: &str = "figma-payments-simulation";

/// Simulates, writes the tables, and gives them with a row for each scenario.
pub fn run() -> Result<String, String> {
    succeed(cargo().args(["build", "--release", "--package", PACKAGE]))?;
    let workspace = Workspace::locate();
    let mut program = Command::new(workspace.target().join("release").join(PACKAGE));
    program.stderr(Stdio::inherit()); // it says how far it is
    let printed = captured(program, "the simulation cannot be run")?;
    let figures = Figures::parse(&printed.stdout)?;
    let report = figures.report();
    costs_page::write_to("docs/fleet.md", &workspace, "simulate", &report)?;
    Ok(format!("{report}\n{}", figures.every_scenario()))
}

/// What the program has printed.
struct Figures {
    scenarios: Vec<Scenario>,
    /// For each limit and time to live: both, and how many users fit.
    fits: Vec<Vec<String>>,
}

/// What was counted in one simulated time. Calls are those of a minute, waits are seconds.
struct Scenario {
    minutes_kept: u64,
    limit: u64,
    users: u64,
    /// Processes that share nothing; 0 for a fleet that shares.
    apart: u64,
    calls: f64,
    too_many: f64,
    hits: f64,
    refused: f64,
    /// Half of those who waited waited longer.
    median_wait: f64,
    /// One in a hundred waited longer.
    late_wait: f64,
    calculated_calls: f64,
    calculated_refused: f64,
}

impl Figures {
    fn parse(printed: &str) -> Result<Self, String> {
        let mut figures = Figures { scenarios: Vec::new(), fits: Vec::new() };
        for line in printed.lines() {
            let unknown = || format!("the simulation printed `{line}`");
            let (kind, cells) = line.split_once('\t').ok_or_else(unknown)?;
            let cells: Vec<&str> = cells.split('\t').collect();
            match kind {
                "simulated" => figures.scenarios.push(Scenario::parse(&cells).ok_or_else(unknown)?),
                "calculated" => figures.fits.push(fit(&cells).ok_or_else(unknown)?),
                _ => return Err(unknown()),
            }
        }
        Ok(figures)
    }

    /// What stands in the page.
    fn report(&self) -> String {
        let head = [
            "Answers kept",
            "calls a minute",
            "different users in that time",
            "active users: one process, or any number that share",
            "3 apart",
            "10",
            "100",
        ];
        let fits = table(&head, &self.fits);
        let head = [
            "Answers kept",
            "limit",
            "active users",
            "calls",
            "from memory",
            "median wait",
            "99th percentile",
            "refused",
            "3 apart: calls, refused",
            "10 apart",
            "100 apart",
        ];
        let rows: Vec<Vec<String>> = self
            .scenarios
            .chunk_by(|one, next| one.is_beside(next))
            .map(|beside| beside[0].cells_beside(&beside[1..]))
            .collect();
        let simulated = table(&head, &rows);
        // The calculation knows of no 429s.
        let comparable = || self.scenarios.iter().filter(|it| it.too_many == 0.0);
        let largest = |figure: fn(&Scenario) -> f64| comparable().map(figure).fold(0.0, f64::max);
        let calls = largest(|it| (it.calls - it.calculated_calls).abs() / it.limit as f64);
        let refused = largest(|it| (it.refused - it.calculated_refused).abs());
        format!(
            "Calculated:\n\n{fits}\nSimulated:\n\n{simulated}\n\
             Where Figma answered no 429, the calculation differs from the simulation by at most {:.1} % of the limit in calls, \
             and by {:.1} percentage points in what is refused.\n",
            calls * 100.0,
            refused * 100.0
        )
    }

    /// A row for each scenario, with all that was counted.
    fn every_scenario(&self) -> String {
        let head = [
            "Answers kept",
            "limit",
            "users",
            "processes",
            "calls",
            "429s",
            "from memory",
            "median wait",
            "99th percentile",
            "refused",
            "calls, calculated",
            "refused, calculated",
        ];
        let rows: Vec<Vec<String>> = self.scenarios.iter().map(Scenario::cells).collect();
        table(&head, &rows)
    }
}

impl Scenario {
    fn parse(cells: &[&str]) -> Option<Self> {
        let [kept, limit, users, apart, figures @ ..] = cells else { return None };
        let figures: Option<Vec<f64>> = figures.iter().map(|it| it.parse().ok()).collect();
        let figures: [f64; 8] = figures?.try_into().ok()?;
        let [calls, too_many, hits, refused, median_wait, late_wait, rest @ ..] = figures;
        let [calculated_calls, calculated_refused] = rest;
        Some(Scenario {
            minutes_kept: kept.parse().ok()?,
            limit: limit.parse().ok()?,
            users: users.parse().ok()?,
            apart: apart.parse().ok()?,
            calls,
            too_many,
            hits,
            refused,
            median_wait,
            late_wait,
            calculated_calls,
            calculated_refused,
        })
    }

    /// Whether only the number of processes differs.
    fn is_beside(&self, other: &Scenario) -> bool {
        let same = |it: &Scenario| (it.minutes_kept, it.limit, it.users);
        same(self) == same(other)
    }

    /// What was counted in a fleet that shares, and calls and refusals in those that don't.
    fn cells_beside(&self, apart: &[Scenario]) -> Vec<String> {
        let Scenario { limit, users, calls, hits, refused, .. } = self;
        let mut cells = vec![
            time(self.minutes_kept),
            limit.to_string(),
            thousands(*users),
            format!("{calls:.0}"),
            percent(*hits),
            seconds(self.median_wait),
            seconds(self.late_wait),
            percent(*refused),
        ];
        let calls_and_refused = |it: &Scenario| format!("{:.0}, {}", it.calls, percent(it.refused));
        cells.extend(apart.iter().map(calls_and_refused));
        cells
    }

    /// Everything.
    fn cells(&self) -> Vec<String> {
        let processes = match self.apart {
            0 => "any number that share".to_owned(),
            apart => format!("{apart} apart"),
        };
        let mut cells = self.cells_beside(&[]);
        cells.insert(3, processes);
        cells.insert(5, format!("{:.1}", self.too_many));
        cells.push(format!("{:.0}", self.calculated_calls));
        cells.push(percent(self.calculated_refused));
        cells
    }
}

/// The cells of a row on how many users fit.
fn fit(cells: &[&str]) -> Option<Vec<String>> {
    let [limit, kept, users @ ..] = cells else { return None };
    let users = users.iter().map(|users| Some(thousands(two_digits(users.parse().ok()?))));
    let users: Option<Vec<String>> = users.collect();
    Some([vec![time(kept.parse().ok()?), (*limit).to_owned()], users?].concat())
}

/// The first two digits of a number, and zeros.
fn two_digits(number: u64) -> u64 {
    let rest = 10_u64.pow(number.checked_ilog10().unwrap_or(0).saturating_sub(1));
    number / rest * rest
}

fn time(minutes: u64) -> String {
    match minutes {
        60 => "1 hour".to_owned(),
        1440 => "1 day".to_owned(),
        minutes => format!("{minutes} minutes"),
    }
}

fn percent(part: f64) -> String {
    match part * 100.0 {
        0.0 => "0 %".to_owned(),
        small if small < 0.1 => "under 0.1 %".to_owned(),
        percent => format!("{percent:.1} %"),
    }
}

fn seconds(seconds: f64) -> String {
    if seconds == 0.0 { "nobody waits".to_owned() } else { format!("{seconds:.2} s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "\
simulated\t10\t300\t1000\t0\t74.5\t0.0\t0.97012\t0.00000\t0.15\t0.15\t75.0\t0.00000
simulated\t10\t300\t1000\t3\t131.2\t0.0\t0.91200\t0.00052\t0.15\t2.50\t131.9\t0.01052
simulated\t10\t300\t1000\t100\t400.0\t90.5\t1.00000\t0.50000\t0.00\t0.00\t300.0\t0.40000
calculated\t300\t1440\t381024\t412345\t250999\t99
";

    #[test]
    fn the_report_has_fleets_with_the_same_users_beside_each_other() {
        let figures = Figures::parse(PRINTED).unwrap();
        let report = figures.report();
        let row = "| 10 minutes | 300 | 1,000 | 74 | 97.0 % | 0.15 s | 0.15 s | 0 % | 131, under 0.1 % | 400, 50.0 % |\n";
        assert!(report.contains(row), "{report}");
        let fit = "| 1 day | 300 | 380,000 | 410,000 | 250,000 | 99 |\n";
        assert!(report.contains(fit), "{report}");
        assert!(report.contains("at most 0.2 % of the limit"), "{report}");
        assert!(report.contains("by 1.0 percentage points"), "{report}");
        let every = figures.every_scenario();
        let row = "| 10 minutes | 300 | 1,000 | 3 apart | 131 | 0.0 | 91.2 % | 0.15 s | 2.50 s | under 0.1 % | 132 | 1.1 % |";
        assert!(every.contains(row), "{every}");
        let row = "| 400 | 90.5 | 100.0 % | nobody waits | nobody waits | 50.0 % | 300 | 40.0 % |";
        assert!(every.contains(row), "{every}");
    }

    #[test]
    fn what_the_program_should_not_print_is_named() {
        for wrong in ["", "simulated", "simulated\t10\t300", "other\t1", "calculated\t300\tx"] {
            let error = Figures::parse(&format!("{wrong}\n")).err().unwrap();
            assert!(error.contains(wrong), "{error}");
        }
    }
}
