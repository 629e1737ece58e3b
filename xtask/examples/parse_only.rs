//! Merely parses the files that it is given: what `diff-spec` is measured
//! against. `cargo build --release --package xtask --examples`, then compare
//! `valgrind --tool=callgrind` of this and of `xtask diff-spec`.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    for file in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&file)?;
        let value: yaml_serde::Value = yaml_serde::from_str(&text)?;
        println!("{file}: {} keys at the top", value.as_mapping().map_or(0, |map| map.len()));
    }
    Ok(())
}
