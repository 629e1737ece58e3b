//! `workerd` with the Worker of `examples/worker`, as a process of its own.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::support::wire::{self, Answer};
use crate::support::{ACCESS_TOKEN, LARGE_ID};

/// A running Worker that asks this server. It is killed when this is dropped.
pub struct Worker {
    workerd: Child,
    base_url: String,
    log: Arc<Mutex<String>>,
}

fn said(name: &str) -> OsString {
    std::env::var_os(name)
        .unwrap_or_else(|| panic!("{name} is not set; run `cargo xtask deep worker`"))
}

impl Worker {
    pub fn start(asked: &str) -> Self {
        Worker::paced(asked, 0)
    }

    /// One that asks no more often than this; 0 for no pace.
    pub fn paced(asked: &str, calls_a_minute: u32) -> Self {
        Worker::configured(asked, calls_a_minute, &said("FIGMA_PAYMENTS_WORKER"))
    }

    /// One with this compatibility flag besides those of its date.
    pub fn flagged(asked: &str, flag: &str) -> Self {
        let usual = said("FIGMA_PAYMENTS_WORKER");
        let flagged = Path::new(&usual).with_file_name(format!("{flag}.capnp"));
        let text = std::fs::read_to_string(usual).unwrap();
        let date = "  compatibilityDate = ";
        assert!(text.contains(date), "{text}");
        let flags = format!("  compatibilityFlags = [\"{flag}\"],\n{date}");
        std::fs::write(&flagged, text.replace(date, &flags)).unwrap();
        Worker::configured(asked, 0, flagged.as_os_str())
    }

    fn configured(asked: &str, calls_a_minute: u32, configuration: &OsStr) -> Self {
        let mut workerd = Command::new(said("FIGMA_PAYMENTS_WORKERD"))
            .args(["serve", "--verbose", "--control-fd=1"])
            .arg(configuration)
            .env("FIGMA_TOKEN", ACCESS_TOKEN)
            .env("FIGMA_BASE_URL", asked)
            .env("CALLS_A_MINUTE", calls_a_minute.to_string())
            .env("PLUGIN_ID", LARGE_ID)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let lines = BufReader::new(workerd.stderr.take().unwrap()).lines();
        let written = Arc::clone(&log);
        std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| *written.lock().unwrap() += &(line + "\n"));
        });
        let mut listens = String::new();
        BufReader::new(workerd.stdout.take().unwrap()).read_line(&mut listens).unwrap();
        let listens: Value = serde_json::from_str(&listens)
            .unwrap_or_else(|_| panic!("workerd does not start: {}", log.lock().unwrap()));
        let base_url = format!("http://127.0.0.1:{}", listens["port"]);
        Worker { workerd, base_url, log }
    }

    /// One request for the paid feature, with this payment token. Whatever comes
    /// of it, neither token is said.
    pub async fn ask(&self, token: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        let asked = wire::get(&self.base_url, "/palette", &headers);
        let answer = tokio::time::timeout(Duration::from_secs(20), asked).await;
        let answer = answer.expect("an answer within the deadline").unwrap();
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{answer:?}");
        for said in [self.log(), format!("{answer:?}")] {
            assert!(!said.contains("MARKED") && !said.contains("/v1/payments"), "{said}");
        }
        answer
    }

    pub async fn send(&self, method: &str, target: &str) -> Answer {
        wire::send(&self.base_url, method, target, &[], "").await.unwrap()
    }

    /// What it wrote for whoever runs it.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until it has written this: the log takes a way of its own.
    pub async fn writes(&self, text: &str) {
        for _ in 0..100 {
            if self.log().contains(text) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{text:?} is not in the log:\n{}", self.log());
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.workerd.kill();
        let _ = self.workerd.wait();
    }
}
