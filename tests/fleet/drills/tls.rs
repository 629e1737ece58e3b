//! `rediss://` with a certificate of the test's own.

use fleet::certificate::Certificate;
use fleet::figma::Figma;
use fleet::process::Process;
use fleet::protocol::How;
use fleet::redis_server::Redis;
use fleet::turn;

use crate::common::{WORKER, ask, kept_about, settings, start_with};

#[test]
fn answers_are_shared_over_tls() {
    if !Redis::available() {
        return;
    }
    let _turn = turn::together();
    let certificate = Certificate::for_loopback();
    let authority = certificate.authority.clone();
    let (redis, figma) = (Redis::options().tls(certificate).start(), Figma::start());
    let trusting = |number: usize, authority: &str| {
        let mut settings = settings(number, &figma, redis.tls_url());
        settings.redis.as_mut().expect("it shares").root_certificates = Some(authority.to_owned());
        settings
    };
    let mut processes = start_with(2, |number| trusting(number, &authority));
    assert!(ask(&mut processes[0], How::Get, 7).unwrap().grants_access);
    let kept = kept_about(&mut processes[1], 7).expect("the other one has it");
    assert!(kept.grants_access);
    assert_eq!(figma.count(), 1);

    // Whom it does not trust it does not use. It says so, or goes on alone.
    let other = Certificate::for_loopback().authority;
    match Process::try_start(WORKER, &trusting(2, &other)) {
        Err(refused) => assert_eq!(refused.kind, "configuration"),
        Ok(mut stranger) => {
            assert!(stranger.log().contains("Redis cannot be used"), "{}", stranger.log());
            assert!(kept_about(&mut stranger, 7).is_none());
            assert!(ask(&mut stranger, How::Get, 7).unwrap().grants_access);
        }
    }
    let refused = Process::try_start(WORKER, &trusting(3, "no certificate")).unwrap_err();
    assert_eq!(refused.kind, "configuration");
}
