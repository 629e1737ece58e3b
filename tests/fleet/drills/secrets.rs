//! No token and no password is in Redis, in a log, or in an error: plain, encoded, or hashed
//! without a key.

use std::io::Write;
use std::process::{Command, Stdio};

use fleet::figma::Figma;
use fleet::protocol::{How, Settings};
use fleet::redis_server::Redis;
use fleet::turn;

use crate::common::{
    NAMESPACE, PREFIX, ask, ask_by_token, invalidate, prime, settings, start_with,
};

const ACCESS_TOKEN: &str = "figd_an-access+token/of=the_drill";
const PAYMENT_TOKEN: &str = "ppt-a payment+token/of=the:drill";
const PASSWORD: &str = "the-password-of-the-drill";

/// What a program of the system makes of a text.
fn through(program: &str, text: &[u8]) -> Vec<u8> {
    let mut command = Command::new(program);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it is installed");
    child.stdin.take().expect("it is a pipe").write_all(text).expect("it reads");
    child.wait_with_output().expect("it ends").stdout
}

fn base64(bytes: &[u8]) -> String {
    let text = String::from_utf8(through("base64", bytes)).expect("it is ASCII");
    text.split_whitespace().collect()
}

/// As it looks in a longer text that is encoded: the same at each of three offsets.
fn base64_inside(bytes: &[u8]) -> impl Iterator<Item = String> {
    (0..3).map(move |offset| {
        let text = base64(&[&vec![b'?'; offset], bytes].concat());
        let from = if offset == 0 { 0 } else { 4 };
        text[from..text.len() - 4].to_owned()
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Everything that would give a secret away.
fn traces_of(secret: &str) -> Vec<Vec<u8>> {
    let bytes = secret.as_bytes();
    let percent: String = bytes
        .iter()
        .map(|byte| match byte.is_ascii_alphanumeric() {
            true => char::from(*byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect();
    let form = form_urlencoded::byte_serialize(bytes).collect();
    let json = secret.replace('/', "\\/");
    let mut texts = vec![secret.to_owned(), percent, form, json, hex(bytes)];
    texts.extend(base64_inside(bytes));
    texts.extend(base64_inside(bytes).map(|text| text.replace('+', "-").replace('/', "_")));
    let mut traces: Vec<_> = texts.iter().map(|text| text.clone().into_bytes()).collect();
    for program in ["md5sum", "sha1sum", "sha224sum", "sha256sum", "sha384sum", "sha512sum"] {
        for text in [secret.to_owned(), format!("{secret}\n")] {
            let sum = String::from_utf8(through(program, text.as_bytes())).unwrap();
            let sum = sum.split_whitespace().next().unwrap();
            let digits = (0..sum.len()).step_by(2);
            let bytes: Vec<_> =
                digits.map(|at| u8::from_str_radix(&sum[at..at + 2], 16).unwrap()).collect();
            // The beginning of a hash is as bad as the whole.
            traces.extend([sum[..12].into(), sum[..12].to_uppercase().into_bytes()]);
            traces.extend([base64(&bytes)[..12].into(), bytes[..8].to_vec()]);
        }
    }
    // Its parts would help too.
    traces.push(bytes[bytes.len() / 2..].to_vec());
    traces
}

fn assert_no_trace(place: &str, text: &[u8], secrets: &[&str]) {
    for secret in secrets {
        for trace in traces_of(secret) {
            let found = text.windows(trace.len()).any(|it| it == trace);
            assert!(!found, "{place} has {:?} of {secret}", String::from_utf8_lossy(&trace));
        }
    }
}

fn nothing_is_in_redis(secret: Option<&str>) {
    if !Redis::available() {
        return;
    }
    let _turn = turn::together();
    let (redis, figma) = (Redis::options().password(PASSWORD).start(), Figma::start());
    let monitor = redis.monitor();
    figma.accept_token(PAYMENT_TOKEN, 7);
    let mut processes = start_with(2, |number| {
        let settings = settings(number, &figma, redis.url());
        let mut settings = Settings {
            access_token: ACCESS_TOKEN.to_owned(),
            per_minute: 600,
            logs_all: true,
            ..settings
        };
        settings.redis.as_mut().expect("it shares").secret = secret.map(str::to_owned);
        settings
    });
    for process in &mut processes {
        for how in [How::Get, How::Fresh, How::Call] {
            ask_by_token(process, how, PAYMENT_TOKEN).unwrap();
            ask(process, how, 8).unwrap();
        }
        let refused = ask_by_token(process, How::Get, &format!("{PAYMENT_TOKEN}-of-nobody"));
        assert!(!refused.unwrap_err().message.contains(PAYMENT_TOKEN));
        prime(process, 9, "PAID", 0);
    }
    let keys = redis.keys("");
    let memory = redis.memory_of("");
    let dump = redis.dump();
    invalidate(&mut processes[0], 7).unwrap();
    redis.restart_empty();
    let asked = ask_by_token(&mut processes[0], How::Get, PAYMENT_TOKEN);
    assert!(asked.unwrap().grants_access);

    assert!(keys.len() >= 8, "{keys:?}");
    assert!(keys.iter().all(|key| key.starts_with(PREFIX)), "{keys:?}");
    assert_eq!(memory.without_expiry, [""; 0]);
    let secrets = [ACCESS_TOKEN, PAYMENT_TOKEN];
    assert_no_trace("the dump", &dump, &secrets);
    let lines = monitor.lines().join("\n");
    assert!(lines.contains("EVALSHA") && lines.contains(NAMESPACE));
    assert_no_trace("MONITOR", lines.as_bytes(), &secrets);
    for process in &processes {
        let log = process.log();
        assert!(log.contains("TRACE") && log.contains("Redis cannot be used"), "{log}");
        // Other crates log the address that is asked, so the payment token is in it.
        let ours: Vec<_> = log.lines().filter(|line| line.contains("figma_payments")).collect();
        assert!(!log.contains(ACCESS_TOKEN) && !log.contains(PASSWORD));
        assert_no_trace(
            "our log",
            ours.join("\n").as_bytes(),
            &[ACCESS_TOKEN, PAYMENT_TOKEN, PASSWORD],
        );
    }
    println!(
        "{} keys, {} lines of MONITOR, a dump of {} bytes",
        keys.len(),
        lines.lines().count(),
        dump.len()
    );
}

#[test]
fn neither_token_is_in_redis_or_a_log() {
    nothing_is_in_redis(None);
}

#[test]
fn nor_with_a_secret() {
    nothing_is_in_redis(Some("a secret of the drill that is long enough"));
}

/// Without this the drills above could not fail.
#[test]
fn traces_are_found() {
    let encoded = base64(format!("x{PAYMENT_TOKEN}y").as_bytes());
    assert!(
        traces_of(PAYMENT_TOKEN).iter().any(|it| encoded.contains(&*String::from_utf8_lossy(it)))
    );
    let sum = String::from_utf8(through("sha256sum", PAYMENT_TOKEN.as_bytes())).unwrap();
    assert!(traces_of(PAYMENT_TOKEN).iter().any(|it| sum.contains(&*String::from_utf8_lossy(it))));
}
