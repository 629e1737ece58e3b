//! The build flow: the bundled document becomes `OUT_DIR/bindings.rs`.

use std::error::Error;
use std::path::PathBuf;

use figma_payments_openapi as openapi;

fn main() {
    // The document is part of the crate that the flow lives in; a change of
    // either rebuilds this script and so runs it again.
    println!("cargo::rerun-if-changed=build.rs");
    // Whatever goes wrong is told in one line, a panic of the generator too.
    std::panic::set_hook(Box::new(|_| {}));
    match std::panic::catch_unwind(generate) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => println!("cargo::error={error}"),
        Err(_) => println!("cargo::error=the build flow gave up over the bundled document"),
    }
}

fn generate() -> Result<(), Box<dyn Error>> {
    let corrected = openapi::corrected()?;
    let lowered = openapi::lower(&corrected.document)?;
    let bindings = openapi::bindings(&lowered)?;
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    Ok(std::fs::write(out.join("bindings.rs"), bindings)?)
}
