//! A process of the fleet, seen from the test.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::protocol::{Answer, Failure, Order, Report, Settings};
use crate::signal::{self, Signal};
use crate::wait;

/// How long a process may take to start, or for an order that takes no time by itself.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A process. It is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    /// Closed when it is to end.
    input: Option<ChildStdin>,
    orders: u64,
    heard: Arc<Heard>,
}

/// What it has said.
#[derive(Debug, Default)]
struct Heard {
    said: Mutex<Said>,
    more: Condvar,
}

#[derive(Debug, Default)]
struct Said {
    reports: VecDeque<(u64, Report)>,
    log: String,
    /// How many of its two streams have ended. What is in the other one may still be on its way.
    ended: u8,
}

/// An order that was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given(u64);

impl Process {
    /// Starts `program`, which is `env!("CARGO_BIN_EXE_fleet-worker")` in a drill, and waits
    /// until it is ready.
    ///
    /// # Panics
    ///
    /// If it is not.
    pub fn start(program: &str, settings: &Settings) -> Self {
        Process::try_start(program, settings)
            .unwrap_or_else(|refused| panic!("{} does not start: {refused:?}", settings.name))
    }

    /// Starts several at the same time.
    ///
    /// # Panics
    ///
    /// If one is not ready.
    pub fn start_all(program: &str, settings: &[Settings]) -> Vec<Self> {
        let launched: Vec<_> = settings.iter().map(|it| Process::launch(program, it)).collect();
        let ready = |process: Process| process.ready().unwrap_or_else(|error| panic!("{error:?}"));
        launched.into_iter().map(ready).collect()
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// What `connect` or `build` said.
    pub fn try_start(program: &str, settings: &Settings) -> Result<Self, Failure> {
        Process::launch(program, settings).ready()
    }

    fn launch(program: &str, settings: &Settings) -> Self {
        let mut command = Command::new(program);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the worker can be started");
        let input = child.stdin.take();
        let heard = Arc::new(Heard::default());
        heard.listen(child.stdout.take().expect("stdout is a pipe"), Said::take_report);
        heard.listen(child.stderr.take().expect("stderr is a pipe"), Said::take_log);
        let name = settings.name.clone();
        let mut process = Process { name, child, input, orders: 0, heard };
        process.say(&serde_json::to_string(settings).expect("settings are JSON"));
        process
    }

    fn ready(self) -> Result<Self, Failure> {
        match self.report(Given(0), PATIENCE) {
            Report::Ready => Ok(self),
            Report::Refused(why) => Err(why),
            other => panic!("{}: {other:?}", self.name),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives an order. Its reports are waited for with [`report`](Self::report).
    ///
    /// # Panics
    ///
    /// If the process has ended.
    pub fn order(&mut self, order: &Order) -> Given {
        self.orders += 1;
        let line = serde_json::json!([self.orders, order]);
        self.say(&line.to_string());
        Given(self.orders)
    }

    fn say(&mut self, line: &str) {
        let input = self.input.as_mut().expect("it was not told to end");
        let said = writeln!(input, "{line}").and_then(|()| input.flush());
        said.unwrap_or_else(|error| panic!("{} has ended ({error}): {}", self.name, self.log()));
    }

    /// The next report about this order.
    ///
    /// # Panics
    ///
    /// If there is none within `limit`, or the process ends.
    pub fn report(&self, order: Given, limit: Duration) -> Report {
        let begin = Instant::now();
        let mut said = lock(&self.heard.said);
        loop {
            if let Some(at) = said.reports.iter().position(|(number, _)| *number == order.0) {
                return said.reports.remove(at).expect("it was just found").1;
            }
            let left = limit.saturating_sub(begin.elapsed());
            let (name, log) = (&self.name, &said.log);
            assert!(said.ended < 2, "{name} has ended: {log}");
            assert!(!left.is_zero(), "{name}: no report within {limit:?}: {log}");
            let waited = self.heard.more.wait_timeout(said, left);
            said = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Gives an order, and waits for its first report.
    pub fn run(&mut self, order: &Order) -> Report {
        let given = self.order(order);
        self.report(given, PATIENCE)
    }

    /// Asks, and waits for the answer.
    ///
    /// # Panics
    ///
    /// If the order is one that is not answered.
    pub fn ask(&mut self, order: &Order) -> Result<Answer, Failure> {
        match self.run(order) {
            Report::Answer(answer) => answer,
            other => panic!("{}: {other:?}", self.name),
        }
    }

    /// What it has written to its log.
    pub fn log(&self) -> String {
        lock(&self.heard.said).log.clone()
    }

    /// The number of the process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Kills it (SIGKILL).
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// It stands still (SIGSTOP).
    pub fn stop(&self) {
        signal::send(Signal::Stop, self.child.id());
    }

    /// It goes on.
    pub fn go(&self) {
        signal::send(Signal::Continue, self.child.id());
    }

    /// Ends it in an orderly way: it reads that there are no more orders.
    ///
    /// # Panics
    ///
    /// If it does not end.
    pub fn end(mut self) {
        self.input = None;
        wait::until_so("the process ends", PATIENCE, || {
            self.child.try_wait().is_ok_and(|ended| ended.is_some())
        });
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Heard {
    /// Takes each line in a thread of its own, until the stream ends.
    fn listen(self: &Arc<Self>, stream: impl Read + Send + 'static, take: fn(&mut Said, &str)) {
        let heard = Arc::clone(self);
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                take(&mut lock(&heard.said), &line);
                heard.more.notify_all();
            }
            lock(&heard.said).ended += 1;
            heard.more.notify_all();
        });
    }
}

impl Said {
    fn take_report(&mut self, line: &str) {
        let report: Result<(u64, Report), _> = serde_json::from_str(line);
        match report {
            Ok(report) => self.reports.push_back(report),
            Err(error) => self.log += &format!("not a report ({error}): {line}\n"),
        }
    }

    fn take_log(&mut self, line: &str) {
        self.log += &format!("{line}\n");
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
