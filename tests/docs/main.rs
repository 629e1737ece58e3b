//! The README and the pages of `docs/`: their links, their code, and what they say that
//! can be checked. Their programs are tested as examples in the documentation.
#![cfg(feature = "sandbox")]

mod code;
mod figures;
mod links;
mod page;
mod ten_buyers;
