//! The two frames of the plugin on the stage, and what each may reach.
//!
//! The stage itself is a document of the sandbox. The two halves of the plugin run in
//! frames of their own, whose origin is opaque (`null` in requests), as in Figma: they
//! cannot reach the stage, the control API or the storage of any origin, and over the
//! network only what the manifest allows. Two ways past that are left: a page may open a
//! window at any address, and WebRTC is not held back by a policy in today's browsers.

use figma_payments::sandbox::Reply;

use super::page;

/// The frame in which the plugin's code runs, in a worker. Its own network requests have the
/// policy of the frame.
pub fn main_frame(domains: &[String]) -> Reply {
    let connect = sources(domains);
    page::document_with_policy(
        &page::MAIN_FRAME,
        &format!(
            "sandbox allow-scripts; default-src 'none'; script-src 'self' blob:; worker-src blob:; connect-src {connect}; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
        ),
    )
}

/// The frame of the plugin's page.
pub fn ui_frame(domains: &[String]) -> Reply {
    let allowed = domains.join(" ");
    page::document_with_policy(
        &page::UI_FRAME,
        &format!(
            "sandbox allow-scripts allow-forms allow-popups allow-downloads; default-src 'unsafe-inline' 'unsafe-eval' data: blob: {allowed}; base-uri 'none'; form-action {}; frame-ancestors 'self'",
            sources(domains)
        ),
    )
}

fn sources(domains: &[String]) -> String {
    match domains {
        [] => "'none'".to_owned(),
        _ => domains.join(" "),
    }
}
