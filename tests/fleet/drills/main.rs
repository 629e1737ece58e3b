//! The drills for a fleet, and what they rest on. `FIGMA_PAYMENTS_DRILLS=1` runs them in
//! full, which takes many minutes.

mod common;
mod damage;
mod guide;
mod harness;
mod limit;
mod one_question;
mod outages;
