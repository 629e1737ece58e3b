//! The build flow: the bundled document becomes `OUT_DIR/bindings.rs`, and the
//! constants of its operation `OUT_DIR/operation.rs`.

use std::error::Error;
use std::path::PathBuf;

use figma_payments_openapi as openapi;

fn main() {
    // The document is part of the crate `figma-payments-openapi`, so a change of
    // either builds this script again, and runs it.
    println!("cargo::rerun-if-changed=build.rs");
    // An error is one line, also when the generator panics.
    std::panic::set_hook(Box::new(|_| {}));
    match std::panic::catch_unwind(generate) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => println!("cargo::error={error}"),
        Err(_) => println!("cargo::error=the build flow panicked over the bundled document"),
    }
}

fn generate() -> Result<(), Box<dyn Error>> {
    let corrected = openapi::corrected()?;
    let lowered = openapi::lower(&corrected.document)?;
    let bindings = openapi::bindings(&lowered)?;
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    std::fs::write(out.join("bindings.rs"), bindings)?;
    Ok(std::fs::write(out.join("operation.rs"), operation())?)
}

/// The operation, for the library's own code.
fn operation() -> String {
    let (method, path) = (openapi::operation::METHOD, openapi::operation::PATH);
    format!(
        "pub(crate) const METHOD: &str = {method:?};\n\
         pub(crate) const PATH: &str = {path:?};\n\
         pub(crate) const NAME: &str = \"{method} {path}\";\n"
    )
}
