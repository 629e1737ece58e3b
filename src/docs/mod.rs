//! The pages of the documentation, which are the files of `docs/`. This module exists only
//! here: a program cannot name it.
//!
//! | Page | What it is about |
//! |---|---|
//! | [`production`] | time, limits and bursts, outages, forged tokens, several processes, batch jobs, TLS |
//! | [`fleet`] | several processes on one Redis |
//! | [`monitoring`] | metrics, alerts, traces |
#![cfg_attr(
    feature = "sandbox",
    doc = "| [`sandbox`](crate::sandbox) | tests, in Rust or another language |"
)]
//! | [`workers`] | what is different in a Cloudflare Worker |
//! | [`document`] | what Figma's documents get wrong, and what the client does about it |
//! | [`costs`] | calls to Figma, instructions, crates |
//! | [`design`] | why it is as it is, and compared with doing without it |
//!
//! # The gate
//!
//! The package `figma-payments-gate`, in the folder `gate` of the repository, puts all of
//! this in front of a route: it takes the payment token out of a request, asks, lets paying
//! users through, and answers all others. It is a `tower` layer, and has an extractor for
//! axum. The README's program is made of it.
//!
//! # The program
//!
//! `figma-payments` asks Figma from the command line: `check` about one user, `bulk` about
//! many, and `sandbox` is a simulated Figma, with a page to look at it and a stage on which a
//! plugin is sold. It is the package `figma-payments-cli`, in the folder `cli` of the
//! repository, whose README describes it.

// The links of a page lead to files, so that they work where the file is read. Here they
// lead to the documentation: the definitions in links/ come before those of the page, and
// the first definition of a name counts. tests/docs holds the two together.
macro_rules! page {
    ($name:ident, $file:literal) => {
        #[cfg_attr(not(doctest), doc = include_str!("links/always.md"))]
        #[cfg_attr(all(not(doctest), feature = "cache"), doc = include_str!("links/cache.md"))]
        #[cfg_attr(not(any(doctest, feature = "cache")), doc = include_str!("links/without_cache.md"))]
        #[cfg_attr(all(not(doctest), feature = "sandbox"), doc = include_str!("links/sandbox.md"))]
        #[cfg_attr(not(any(doctest, feature = "sandbox")), doc = include_str!("links/without_sandbox.md"))]
        #[cfg_attr(all(not(doctest), feature = "redis"), doc = include_str!("links/redis.md"))]
        #[cfg_attr(not(any(doctest, feature = "redis")), doc = include_str!("links/without_redis.md"))]
        // The code of the pages needs these features.
        #[cfg_attr(
            any(not(doctest), all(feature = "redis", feature = "sandbox")),
            doc = include_str!($file)
        )]
        pub mod $name {}
    };
}

page!(costs, "../../docs/costs.md");
page!(design, "../../docs/design.md");
page!(document, "../../docs/document.md");
page!(fleet, "../../docs/fleet.md");
page!(monitoring, "../../docs/monitoring.md");
page!(production, "../../docs/production.md");
page!(workers, "../../docs/workers.md");
