//! An outage and what comes before and after it, against the sandbox, on a clock
//! that is moved by hand. Nobody gets a wrong yes beyond the documented bound.

use std::time::Duration;

use figma_payments::sandbox::{Calls, Fault, FigmaLimits, Sandbox};
use figma_payments::{
    Client, Entitlements, PaymentQuery, PaymentStatus, PersonalAccessToken, RetryPolicy, Source,
};

use crate::support::{self, plugin, user};

const PAID_FOR: Duration = Duration::from_secs(600);
const STALE: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

/// Figma, and four backends that ask it: by user and by token, with and without
/// stale answers.
struct Drill {
    sandbox: Sandbox,
    client: Client,
    callers: Vec<Caller>,
    /// Since the drill began, and when a yes was last right.
    now: Duration,
    entitled_at: Option<Duration>,
}

struct Caller {
    stale: Duration,
    entitlements: Entitlements,
    query: PaymentQuery,
}

impl Drill {
    async fn start() -> Drill {
        let sandbox = Sandbox::start().await.unwrap();
        sandbox.configure(|it| it.limits = FigmaLimits::none());
        let client = Client::builder(sandbox.access_token())
            .base_url(sandbox.base_url())
            .retry(RetryPolicy::none())
            // When the clock jumps, the server closes what was kept alive.
            .http(support::own_http().pool_max_idle_per_host(0))
            .build()
            .unwrap();
        let lasting = Duration::from_secs(1_000_000_000);
        let token = sandbox.mint_token_for(&user(), &plugin(), lasting);
        let by_user = PaymentQuery::by_user(user(), plugin());
        let by_token = PaymentQuery::by_token(token, plugin());
        let mut callers = Vec::new();
        for stale in [Duration::ZERO, STALE] {
            for query in [&by_user, &by_token] {
                let entitlements =
                    Entitlements::builder(client.clone()).paid_ttl(PAID_FOR).stale_if_error(stale);
                callers.push(Caller {
                    stale,
                    entitlements: entitlements.build(),
                    query: query.clone(),
                });
            }
        }
        Drill { sandbox, client, callers, now: Duration::ZERO, entitled_at: None }
    }

    fn says(&self, status: PaymentStatus) {
        self.sandbox.set_purchase(&user(), &plugin(), status, Some("2024-06-15T14:30:00Z"));
    }

    /// From now on every call fails in this way.
    fn fails(&self, fault: Fault) {
        self.sandbox.clear_faults();
        self.sandbox.inject(fault, Calls::All);
    }

    fn entitled(&self) -> bool {
        self.sandbox.purchases().iter().any(|it| it.status.grants_access())
    }

    /// Moves all clocks, Figma's and the backends'.
    async fn pass(&mut self, time: Duration) {
        if self.entitled() {
            self.entitled_at = Some(self.now + time);
        }
        self.now += time;
        self.sandbox.advance(time);
        tokio::time::pause();
        tokio::time::advance(time).await;
        tokio::time::resume();
    }

    /// What each caller gets now, in a word. Panics over a yes out of bounds.
    async fn ask(&mut self) -> Vec<String> {
        if self.entitled() {
            self.entitled_at = Some(self.now);
        }
        let mut got = Vec::new();
        for caller in &self.callers {
            let outcome = caller.entitlements.get(caller.query.clone()).await;
            if let Ok(it) = &outcome
                && it.grants_access()
            {
                let since = self.entitled_at.map(|at| self.now - at).expect("a yes for nobody");
                let bound = PAID_FOR
                    + if it.source == Source::Stale { caller.stale } else { Duration::ZERO };
                assert!(since <= bound, "{:?}: a yes {since:?} after it was right", it.source);
            }
            got.push(match outcome {
                Ok(it) => format!("{} {:?}", it.payment.payment_status, it.source),
                Err(error) => format!("{:?}", error.kind()),
            });
        }
        got
    }
}

#[tokio::test]
async fn a_purchase_an_outage_and_an_end() {
    let mut drill = Drill::start().await;
    println!("| minute | what happened | by user | by token | by user, stale | by token, stale |");
    println!("|---|---|---|---|---|---|");
    use PaymentStatus::{Paid, Trial, Unpaid};
    type Event = fn(&Drill);
    let steps: &[(u64, &str, Event, [&str; 4])] = &[
        (0, "nothing bought", |_| (), ["UNPAID Fresh"; 4]),
        (0, "bought, 0 s ago", |it| it.says(Paid), ["UNPAID Cached"; 4]),
        (1, "a minute later", |_| (), ["PAID Fresh"; 4]),
        (8, "hit", |_| (), ["PAID Cached"; 4]),
        (3, "expired", |_| (), ["PAID Fresh"; 4]),
        (5, "outage (500), still good", |it| it.fails(Fault::Status(500)), ["PAID Cached"; 4]),
        (6, "outage, expired", |_| (), ["Server", "Server", "PAID Stale", "PAID Stale"]),
        (
            30,
            "outage (reset)",
            |it| it.fails(Fault::Reset),
            ["Transport", "Transport", "PAID Stale", "PAID Stale"],
        ),
        (
            28,
            "outage, the last minute of stale",
            |it| it.fails(Fault::Status(503)),
            ["Server", "Server", "PAID Stale", "PAID Stale"],
        ),
        (2, "outage, stale is over", |_| (), ["Server"; 4]),
        (1, "back", |it| it.sandbox.clear_faults(), ["PAID Fresh"; 4]),
        (0, "refunded, 0 s ago", |it| it.says(Unpaid), ["PAID Cached"; 4]),
        (8, "refunded, 8 minutes ago", |_| (), ["PAID Cached"; 4]),
        (3, "refunded, 11 minutes ago", |_| (), ["UNPAID Fresh"; 4]),
        (1, "outage after a refund", |it| it.fails(Fault::Status(500)), ["Server"; 4]),
        (
            1,
            "trial",
            |it| {
                it.sandbox.clear_faults();
                it.says(Trial)
            },
            ["TRIAL Fresh"; 4],
        ),
        (
            3,
            "outage in the trial",
            |it| it.fails(Fault::Status(502)),
            ["Server", "Server", "TRIAL Stale", "TRIAL Stale"],
        ),
        (
            1,
            "the trial lapses, unseen",
            |it| it.says(Unpaid),
            ["Server", "Server", "TRIAL Stale", "TRIAL Stale"],
        ),
        (1, "back", |it| it.sandbox.clear_faults(), ["UNPAID Fresh"; 4]),
        (1, "bought again", |it| it.says(Paid), ["PAID Fresh"; 4]),
        (
            11,
            "outage (429)",
            |it| it.fails(Fault::Status(429)),
            ["RateLimited", "RateLimited", "PAID Stale", "PAID Stale"],
        ),
        (2, "401 in the middle", |it| it.fails(Fault::Status(401)), ["Unauthorized"; 4]),
        (1, "outage again", |it| it.fails(Fault::Status(500)), ["Server"; 4]),
        (
            1,
            "the access token is replaced: wrong",
            |it| {
                it.sandbox.clear_faults();
                it.client
                    .set_access_token(PersonalAccessToken::new("figd_expired").unwrap())
                    .unwrap();
            },
            ["Unauthorized"; 4],
        ),
        (
            1,
            "and right",
            |it| it.client.set_access_token(it.sandbox.access_token()).unwrap(),
            ["PAID Fresh"; 4],
        ),
        (11, "403", |it| it.fails(Fault::Status(403)), ["Forbidden"; 4]),
        (1, "back", |it| it.sandbox.clear_faults(), ["PAID Fresh"; 4]),
    ];
    for (minutes, what, event, expected) in steps {
        event(&drill);
        drill.pass(*minutes as u32 * MINUTE).await;
        let got = drill.ask().await;
        println!("| {} | {what} | {} |", drill.now.as_secs() / 60, got.join(" | "));
        assert_eq!(got, expected, "{what}");
    }
}

#[tokio::test]
async fn whatever_happens_no_yes_is_out_of_bounds() {
    let seed = 20_261_120;
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut drill = Drill::start().await;
    let mut yes = 0;
    let mut stale = 0;
    for _ in 0..1000 {
        match random.u8(..10) {
            0 => drill.says(PaymentStatus::Paid),
            1 => drill.says(PaymentStatus::Trial),
            2 => drill.says(PaymentStatus::Unpaid),
            3 | 4 => {
                let status = [400, 401, 403, 404, 429, 500, 503][random.usize(..7)];
                drill.fails(Fault::Status(status));
            }
            5 => drill.fails(Fault::CutBody),
            6..8 => drill.sandbox.clear_faults(),
            _ => {}
        }
        let by_user = PaymentQuery::by_user(user(), plugin());
        let caller = &drill.callers[random.usize(..4)];
        match random.u8(..12) {
            0 => caller.entitlements.invalidate(&user(), &plugin()).await.unwrap(),
            1 => drop(caller.entitlements.get_fresh(by_user).await),
            2 => drop(caller.entitlements.get_fresh(caller.query.clone()).await),
            _ => {}
        }
        let seconds = [0, 1, 15, 60, 300, 700, 2000][random.usize(..7)];
        drill.pass(Duration::from_secs(seconds)).await;
        let got = drill.ask().await;
        yes += got.iter().filter(|got| got.starts_with("PAID") || got.starts_with("TRIAL")).count();
        stale += got.iter().filter(|got| got.ends_with("Stale")).count();
    }
    println!("4,000 answers: {yes} yes, {stale} of them stale, none out of bounds");
    assert!(yes > 500 && stale > 50, "the drill tells something: {yes}, {stale}");
}
