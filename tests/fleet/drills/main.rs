//! The drills for a fleet, and what they rest on. `FIGMA_PAYMENTS_DRILLS=1` runs them in
//! full, which takes many minutes.

mod bad_input;
mod burst;
mod common;
mod damage;
mod denials;
mod guide;
mod harness;
mod invalidate;
mod limit;
mod memory;
mod one_question;
mod outages;
mod rollout;
mod secrets;
mod tls;
mod topology;
