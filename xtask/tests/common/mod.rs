//! What the tests share.
#![allow(dead_code, reason = "not every test needs every helper")]

pub mod mutations;
