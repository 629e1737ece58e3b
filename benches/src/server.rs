//! A server that says the same to everybody, for a client that is measured in
//! a process of its own.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::{PLUGIN, USER};

/// Prints where it listens, and serves until it is killed.
pub fn serve() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("http://{}", listener.local_addr()?);
    let answer = answer();
    for connection in listener.incoming() {
        let (connection, answer) = (connection?, answer.clone());
        std::thread::spawn(move || answer_all(connection, &answer));
    }
    Ok(())
}

fn answer() -> Vec<u8> {
    let body = format!(
        r#"{{"status":200,"error":false,"meta":{{"user_id":"{USER}","resource_id":"{PLUGIN}","resource_type":"PLUGIN","payment_status":{{"type":"PAID"}},"date_of_purchase":"2024-03-01T12:00:00Z"}}}}"#
    );
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ndate: Fri, 01 Mar 2024 12:00:00 GMT\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// One answer for each request head; requests have no body.
fn answer_all(mut connection: TcpStream, answer: &[u8]) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let mut read = [0; 8192];
    let mut seen: Vec<u8> = Vec::new();
    loop {
        let length = connection.read(&mut read)?;
        if length == 0 {
            return Ok(());
        }
        seen.extend_from_slice(&read[..length]);
        if seen.ends_with(b"\r\n\r\n") {
            seen.clear();
            connection.write_all(answer)?;
        }
    }
}
