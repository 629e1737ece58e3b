//! The scripts that Redis runs. Each is one step that nobody sees half of.

use std::sync::LazyLock;

use redis::Script;

macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident = $($file:literal)+;)*) => {$(
        $(#[$doc])*
        pub(super) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(concat!($(include_str!($file),)+)));
    )*};
}

// Of the answers.
scripts! {
    BEAT = "order.lua" "beat.lua";
    SEND = "order.lua" "send.lua";
    SETTLE = "order.lua" "settle.lua";
    DENY = "order.lua" "deny.lua";
    FORGET_ALL = "order.lua" "forget_all.lua";
    LEASE = "order.lua" "lease.lua";
    EXTEND = "extend.lua";
    RELEASE = "release.lua";
}

// Of the rate limit.
scripts! {
    TAKE = "limit/prelude.lua" "limit/take.lua";
    IDLE = "limit/prelude.lua" "limit/idle.lua";
    TOO_MANY_REQUESTS = "limit/prelude.lua" "limit/too_many_requests.lua";
    PASSED = "limit/prelude.lua" "limit/passed.lua";
    LEAVE = "limit/prelude.lua" "limit/leave.lua";
}
