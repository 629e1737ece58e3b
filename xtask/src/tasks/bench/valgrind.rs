//! Measures what one call costs in instructions and allocations. The whole client process
//! runs under valgrind, once with a number of calls and once with twice as many. The
//! difference is the cost of the calls alone, without starting the process.

use std::path::Path;
use std::process::Command;

use crate::shared::process::captured;

const MISSING: &str =
    "valgrind is not installed; install it, for example with `apt-get install valgrind`";

/// The cost of one call.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    pub instructions: u64,
    pub allocations: f64,
}

/// The largest heap of a process, in bytes.
pub fn heap(program: &Path, arguments: &[&str]) -> Result<u64, String> {
    number(&run("dhat", program, arguments)?, "At t-gmax:", 0)
}

/// The cost of one call of the contender `name`.
pub fn cost(program: &Path, name: &str, base_url: &str, calls: u64) -> Result<Cost, String> {
    let count = |tool: &str, label: &str, word: usize| {
        let counted = |calls: u64| {
            let arguments = ["call", name, base_url, &calls.to_string(), "1"];
            number(&run(tool, program, &arguments)?, label, word)
        };
        Ok::<u64, String>(counted(2 * calls)?.saturating_sub(counted(calls)?))
    };
    let instructions = count("callgrind", "Collected :", 0)? / calls;
    let allocations = count("dhat", "Total:", 3)? as f64 / calls as f64;
    Ok(Cost { instructions, allocations })
}

fn run(tool: &str, program: &Path, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new("valgrind");
    command.arg(format!("--tool={tool}")).arg(format!("--{tool}-out-file=/dev/null"));
    command.arg(program).args(arguments);
    Ok(captured(command, MISSING)?.stderr)
}

/// The number at this position after the label. In
/// `==12== Total:     1,234 bytes in 56 blocks` the word 3 after `Total:` is 56.
fn number(output: &str, label: &str, word: usize) -> Result<u64, String> {
    let found = output.lines().find_map(|line| {
        let (_, after) = line.split_once(label)?;
        after.split_whitespace().nth(word)?.replace(',', "").parse().ok()
    });
    found.ok_or_else(|| format!("valgrind did not print `{label}`:\n{output}"))
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn the_output_of_valgrind_is_read() {
        let output =
            "==1== \n==1== Collected : 186742683\n==1== Total:     1,234 bytes in 56 blocks\n";
        assert_eq!(number(output, "Collected :", 0), Ok(186_742_683));
        assert_eq!(number(output, "Total:", 0), Ok(1234));
        assert_eq!(number(output, "Total:", 3), Ok(56));
        assert!(number(output, "At t-gmax:", 0).unwrap_err().contains("At t-gmax"));
    }
}
