//! x
fn main() {
    let c = figma_payments_openapi::corrected();
    let c = match std::env::args().nth(1) {
        Some(p) => {
            let d =
                figma_payments_openapi::Document::parse(&p, &std::fs::read_to_string(&p).unwrap())
                    .unwrap();
            figma_payments_openapi::correct(&figma_payments_openapi::name(&d).unwrap())
        }
        None => c,
    };
    let c = match c {
        Ok(c) => c,
        Err(e) => {
            println!("{e}");
            return;
        }
    };
    for (c, o) in &c.report {
        eprintln!("{} {o}", c.id);
    }
    let l = match figma_payments_openapi::lower(&c.document) {
        Ok(c) => c,
        Err(e) => {
            println!("{e}");
            return;
        }
    };
    match figma_payments_openapi::bindings(&l) {
        Ok(c) => println!("{c}"),
        Err(e) => println!("{e}"),
    }
}
