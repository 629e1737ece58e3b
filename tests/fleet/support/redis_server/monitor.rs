//! What clients ask a Redis, as `MONITOR` shows it.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Redis;
use crate::wait;

/// Collects the lines of `MONITOR` until it is dropped.
#[derive(Debug)]
pub struct Monitor {
    stream: TcpStream,
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Monitor {
    pub(super) fn start(address: &str, password: Option<&str>) -> Self {
        let mut stream = TcpStream::connect(address).expect("the redis-server can be reached");
        let login = password.map(|password| format!("AUTH {password}\r\n"));
        let asked = login.unwrap_or_default() + "MONITOR\r\n";
        stream.write_all(asked.as_bytes()).expect("the redis-server can be asked");
        let mut answers = BufReader::new(stream.try_clone().expect("a stream can be cloned"));
        // MONITOR answers before the first line, so nothing after this is missed.
        for _ in asked.lines() {
            let mut answer = String::new();
            answers.read_line(&mut answer).expect("MONITOR answers");
            assert_eq!(answer, "+OK\r\n");
        }
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        let reader = thread::spawn(move || {
            for line in answers.lines().map_while(Result::ok) {
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        Monitor { stream, lines, reader: Some(reader) }
    }

    /// The lines so far: `+1781784000.250000 [0 127.0.0.1:40000] "GET" "key"`. Those of
    /// commands inside a script have `lua` instead of an address.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The lines of all that `redis` has done before this was called.
    pub fn lines_until_now(&self, redis: &Redis) -> Vec<String> {
        let mark = format!("caught-up-{}", self.lines().len());
        redis.command(&["ECHO", &mark]);
        let caught_up = || self.lines().iter().any(|line| line.contains(&mark));
        wait::until_so("MONITOR shows the mark", Duration::from_secs(30), caught_up);
        let mut lines = self.lines();
        lines.retain(|line| !line.contains("caught-up-"));
        lines
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}
