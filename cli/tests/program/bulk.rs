//! `figma-payments bulk`: its answers, going on after it was stopped, and what
//! disturbs it.

use std::fs;
use std::path::Path;

use figma_payments::sandbox::{Reply, Request, ScriptedServer};
use serde_json::json;

use crate::support::bulk::{
    PLUGIN, all, arguments, bulk, file, numbered, place, rows, sandbox, statuses, users,
};
use crate::support::program::{Program, Ran, run, run_with_token};

/// The number of questions since the last time.
async fn asked(program: &Program) -> usize {
    let log = program.control("GET", "/requests", json!(null)).await.json();
    program.control("DELETE", "/requests", json!(null)).await;
    log["requests"].as_array().unwrap().len()
}

/// Has the next answer be an error of this status.
async fn fail_next(program: &Program, status: u16, next: u64) {
    let fault = json!({ "fault": "status", "status": status, "next": next });
    assert_eq!(program.control("POST", "/faults", fault).await.status, 200);
}

#[tokio::test]
async fn every_user_is_asked_once_and_answered_in_a_line() {
    let purchases = [("1", "PAID"), ("007", "TRIAL"), ("3", "UNPAID"), ("4", "NOT_SUPPORTED")];
    let program = sandbox(&purchases).await;
    let longest = "9".repeat(20);
    let ids = ["1", "7", "007", "3", "4", &longest, "1", "007"];
    let plain = format!("\u{feff}1\r\n 7\n{}", ids[2..].join("\n"));
    let table = format!(
        "\u{feff}name,\"user\"\r\n\"a, \"\"b\"\"\n\n\",1\r\nc,\"7\"\r\nd,007\r\n5\" e,3\r\n,4,more\r\nf, {longest}\r\ng,1\r\nh,007"
    );
    let latin = ids.map(|id| [&b"Jos\xe9;"[..], id.as_bytes(), b";\n"].concat()).concat();
    let latin = [&b"name;user;\n"[..], &latin].concat();
    for (name, input, options) in [
        ("plain.txt", plain.into_bytes(), &[][..]),
        ("table.csv", table.into_bytes(), &["--column", "user"]),
        ("latin.txt", latin, &["--column", "user", "--delimiter", ";"]),
    ] {
        for output in ["answers.csv", "answers.jsonl"] {
            let (input_file, output) = (file(name), file(&format!("{name} {output}")));
            fs::write(&input_file, &input).unwrap();
            let ran = bulk(&program, &input_file, &output, options);
            assert_eq!((ran.code, &*ran.stdout), (Some(0), ""), "{name} {ran:?}");
            let counts = ["paid 1", "trial 1", "unpaid 3", "other 1", "failed 0"];
            assert_eq!(said(&ran)[..5], counts);
            assert!(
                said(&ran)[5]
                    .ends_with(" 6 answers about plugin 1678669904810665842; 6 of them new."),
                "{ran:?}"
            );
            assert_eq!(said(&ran)[6..], ["2 lines repeated a user."]);
            let mut expected = [
                ("1", "PAID"),
                ("7", "UNPAID"),
                ("007", "TRIAL"),
                ("3", "UNPAID"),
                ("4", "NOT_SUPPORTED"),
                (&longest, "UNPAID"),
            ]
            .map(|(user, status)| (user.to_owned(), status.to_owned()));
            expected.sort();
            assert_eq!(statuses(&output), expected, "{name}");
            assert_eq!(asked(&program).await, 6);
        }
    }
    let rows = rows(&place("plain.txt answers.jsonl"));
    let row = rows.iter().find(|row| row["user_id"] == "007").unwrap();
    let mut expected = json!({
        "user_id": "007",
        "payment_status": "TRIAL",
        "grants_access": true,
        "date_of_purchase": "2024-06-15T14:30:00Z",
        "resource_type": "PLUGIN",
        "resource_id": PLUGIN,
        "server": program.base_url,
    });
    expected["checked_at"] = row["checked_at"].clone();
    assert_eq!(row, &expected);
    let checked_at = row["checked_at"].as_str().unwrap();
    assert!(checked_at.len() == 20 && checked_at.ends_with('Z'), "{checked_at}");
}

/// The lines of standard error, with single spaces.
fn said(ran: &Ran) -> Vec<String> {
    let line = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    ran.stderr.lines().map(line).collect()
}

#[tokio::test]
async fn broken_lines_are_named_and_the_others_are_asked() {
    let program = sandbox(&[]).await;
    let mut lines: Vec<Vec<u8>> = (0..70_001).map(|line| format!("{}", line % 50).into()).collect();
    lines[6] = b"12\xff".to_vec();
    lines[70] = Vec::new();
    lines[700] = b"1e18".to_vec();
    lines[7_000] = "1".repeat(21).into_bytes();
    lines[70_000] = b"bob@example.com".to_vec();
    let expected = [
        "line 7: the user id is not UTF-8 text",
        "line 71: the line is empty",
        "line 701: the user id has something other than digits in it",
        "line 7001: the user id has more than 20 digits",
        "line 70001: the user id has something other than digits in it",
    ];
    let table = |line: &Vec<u8>| match line.is_empty() {
        true => Vec::new(),
        false => [b"\"\",", &**line].concat(),
    };
    let table: Vec<Vec<u8>> = lines.iter().map(table).collect();
    for (name, text, first, options) in [
        ("broken.txt", lines.join(&b"\n"[..]), 0, &[][..]),
        ("broken.csv", table.join(&b"\r\n"[..]), 1, &["--column", "id"]),
    ] {
        let (input, output) = (file(name), file(&format!("{name} answers.csv")));
        let header = if first == 1 { &b"what,id\r\n"[..] } else { b"" };
        fs::write(&input, [header, &text].concat()).unwrap();
        let ran = bulk(&program, &input, &output, options);
        assert_eq!(ran.code, Some(3), "{ran:?}");
        for expected in expected {
            let (number, why) = expected[5..].split_once(':').unwrap();
            let number: u64 = number.parse().unwrap();
            let expected = format!("{name}, line {}:{why}", number + first);
            assert!(ran.stderr.contains(&expected), "{expected}: {ran:?}");
        }
        assert!(ran.stderr.contains("\n5 lines had no user id."), "{ran:?}");
        assert_eq!((users(&output).len(), asked(&program).await), (50, 50));
    }
    let (input, output) = (file("quote.csv"), file("quote answers.csv"));
    fs::write(&input, "id,what\n1,x\n2\n3, \n,3\n4,\"open\n5,y\n6,z").unwrap();
    let ran = bulk(&program, &input, &output, &["--column", "what"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    for expected in [
        "line 3: the line has no column 2 (what)",
        "line 4: the column what is empty",
        "line 6: a quote is opened here and never closed, up to the end in line 8",
    ] {
        assert!(ran.stderr.contains(expected), "{ran:?}");
    }
    assert_eq!(users(&output), ["3"]);
    let input = numbered("many broken.txt", 1);
    fs::write(&input, "x\n".repeat(1000) + "1").unwrap();
    let ran = bulk(&program, &input, &file("many broken.csv"), &[]);
    assert!(ran.stderr.contains("line 100: ") && !ran.stderr.contains("line 101: "), "{ran:?}");
    assert!(ran.stderr.contains("further lines without a user id are only counted"), "{ran:?}");
    assert!(ran.stderr.contains("\n1,000 lines had no user id."), "{ran:?}");
}

#[tokio::test]
async fn a_resumption_asks_only_what_has_no_answer() {
    let program = sandbox(&[("1", "PAID"), ("2", "TRIAL")]).await;
    for output in ["resumed.csv", "resumed.jsonl"] {
        let (input, output) = (numbered("to resume.txt", 5), file(output));
        // Not what Figma says for a user, but not asked again by the client.
        fail_next(&program, 404, 1).await;
        let ran = bulk(&program, &input, &output, &[]);
        assert_eq!(ran.code, Some(3), "{ran:?}");
        assert!(ran.stderr.contains("to resume.txt, line "), "{ran:?}");
        assert!(
            ran.stderr.contains("1 user without an answer; run the same command again"),
            "{ran:?}"
        );
        assert_eq!((rows(&output).len(), asked(&program).await), (4, 5));
        let before = fs::read(&output).unwrap();
        let ran = bulk(&program, &input, &output, &[]);
        assert_eq!((ran.code, asked(&program).await), (Some(0), 1), "{ran:?}");
        assert_eq!(said(&ran)[..4], ["paid 1", "trial 1", "unpaid 3", "failed 0"]);
        assert!(
            said(&ran)[4].ends_with("5 answers about plugin 1678669904810665842; 1 of them new.")
        );
        assert_eq!(said(&ran)[5..], ["4 users had an answer before."]);
        let whole = fs::read(&output).unwrap();
        assert!(whole.starts_with(&before), "what is answered stays as it is");
        assert_eq!(users(&output), all(5));

        // Torn anywhere, in the header and in the last row: mended, and asked again.
        let header = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let last = before.len()..whole.len();
        for length in (0..header).chain(last.clone()).step_by(9).chain([last.end - 1]) {
            fs::write(&output, &whole[..length]).unwrap();
            let ran = bulk(&program, &input, &output, &[]);
            assert_eq!(ran.code, Some(0), "{length} {ran:?}");
            assert_eq!(users(&output), all(5), "torn after {length}");
            let again = if length < header { 5 } else { 1 };
            assert_eq!(asked(&program).await, again, "torn after {length}");
        }
    }
}

#[tokio::test]
async fn what_is_no_output_of_its_own_is_left_as_it_is() {
    let program = sandbox(&[]).await;
    let (input, output) = (numbered("foreign.txt", 3), file("foreign answers.csv"));
    bulk(&program, &input, &output, &[]);
    let own = fs::read_to_string(&output).unwrap();
    let row = own.lines().nth(1).unwrap();
    let header = own.lines().next().unwrap();
    for (text, line) in [
        ("important\n".to_owned(), 1),
        ("important".to_owned(), 1),
        (format!("{header},more\n"), 1),
        (format!("{header}\nx{row}\n"), 2),
        (format!("{header}\n{row}\n\n"), 3),
        (format!("{header}\n{row}\n{row},more\n"), 3),
        (format!("{header}\n{row}\n\0\0\0\n"), 3),
    ] {
        fs::write(&output, &text).unwrap();
        let ran = bulk(&program, &input, &output, &[]);
        assert_eq!(ran.code, Some(2), "{text} {ran:?}");
        let expected = "is not an output of figma-payments bulk";
        assert!(ran.stderr.contains(expected), "{ran:?}");
        assert!(ran.stderr.contains(&format!("(line {line}: ")), "{text} {ran:?}");
        assert_eq!(fs::read_to_string(&output).unwrap(), text);
    }
    for text in ["{\"a\":1}", "{\"a\":1}\n", "{\"user_id\":\"1\"}\n", "{\"user_id\":1}\n"] {
        fs::write(&output, text).unwrap();
        let ran = bulk(&program, &input, &output, &["--format", "jsonl"]);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert_eq!(fs::read_to_string(&output).unwrap(), text);
    }
    fs::write(&output, &own).unwrap();
    let held = fs::File::open(&output).unwrap();
    fs4::FileExt::lock_shared(&held).unwrap();
    let ran = bulk(&program, &input, &output, &[]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("another figma-payments is writing to "), "{ran:?}");
    drop(held);
    assert_eq!(bulk(&program, &input, &output, &[]).code, Some(0));
    // A spreadsheet program has saved it meanwhile.
    let saved = format!("\u{feff}{}", own.replace('\n', "\r\n"));
    fs::write(&output, saved).unwrap();
    asked(&program).await;
    assert_eq!(bulk(&program, &input, &output, &[]).code, Some(0));
    assert_eq!(asked(&program).await, 0);
}

#[tokio::test]
async fn only_an_incomplete_row_is_cut_off() {
    let program = sandbox(&[]).await;
    let input = numbered("torn.txt", 2);
    for name in ["cut off.jsonl", "cut off.csv"] {
        let output = file(name);
        assert_eq!(bulk(&program, &input, &output, &[]).code, Some(0));
        let own = fs::read_to_string(&output).unwrap();
        let (before, last) = own.trim_end().rsplit_once('\n').unwrap();
        let begins_like_a_row = format!("{{\"user_id\":\"1\",\"notes\":\"{}", "x".repeat(8948));
        assert_eq!(begins_like_a_row.len(), 8972);
        for text in [
            begins_like_a_row.clone(),
            format!("{before}\n{begins_like_a_row}"),
            format!("{before}\nimportant"),
            format!("{before}\n "),
            format!("{before}\n{}", last.replace(PLUGIN, "42")),
            format!("{before}\n{last},"),
            "  ".to_owned(),
            "\u{feff}".to_owned(),
            "{\"user_id\":\"1\" ".to_owned(),
            "\0".repeat(4096),
        ] {
            fs::write(&output, &text).unwrap();
            let ran = bulk(&program, &input, &output, &[]);
            let (length, now) = (text.len(), fs::read_to_string(&output).unwrap());
            assert!(now == text, "{name}: of {length} bytes {} are left: {ran:?}", now.len());
            assert_eq!(ran.code, Some(2), "{text} {ran:?}");
            let why = "it has no line end, and is not the beginning of a row of this run); the file is left as it is";
            assert!(ran.stderr.contains(why), "{text} {ran:?}");
        }
        let long = format!("{before}\n{}\n", "1".repeat(1 << 20));
        fs::write(&output, &long).unwrap();
        let ran = bulk(&program, &input, &output, &[]);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.stderr.contains("it is longer than any row); the file is left"), "{ran:?}");
        assert!(fs::read_to_string(&output).unwrap() == long, "{name}");
        // What a power cut may leave.
        asked(&program).await;
        for end in [0, 1, last.len() / 2, last.len()] {
            fs::write(&output, format!("{before}\n{}\0\0\0", &last[..end])).unwrap();
            assert_eq!(bulk(&program, &input, &output, &[]).code, Some(0), "{end}");
            assert_eq!((users(&output), asked(&program).await), (all(2), 1), "{end}");
        }
    }
}

/// A server that answers about user 1 with the first of these texts, in place of
/// a status and of a date, and so on.
async fn writing(texts: &'static [&str]) -> ScriptedServer {
    let answer = move |request: &Request| {
        let mut parameters = request.query().split('&');
        let user = parameters.find_map(|parameter| parameter.strip_prefix("user_id=")).unwrap();
        let text = texts[user.parse::<usize>().unwrap() - 1];
        let meta = json!({ "user_id": user, "resource_id": PLUGIN, "resource_type": "PLUGIN", "payment_status": text, "date_of_purchase": text });
        Reply::json(200, json!({ "status": 200, "error": false, "meta": meta }).to_string())
    };
    ScriptedServer::start(answer).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_text_of_a_server_is_a_formula_in_csv() {
    // One text for each way in which it gets into the file: as it is, with a control
    // character replaced, quoted, and split at semicolons. The unit test in
    // `bulk/spreadsheet.rs` has all beginnings of a formula.
    const FORMULAS: [&str; 4] = ["=1+1", "\n=1", "\"=1+1\",\"", "=1;=1+2\";=1+2"];
    let server = writing(&FORMULAS).await;
    let (input, output) = (numbered("formulas.txt", 4), file("formulas.csv"));
    let base_url = server.base_url();
    let asks = arguments(&base_url, &input, &output);
    let ran = run(&asks, b"");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let text = fs::read_to_string(&output).unwrap();
    let mut records: Vec<csv::StringRecord> =
        csv::Reader::from_reader(text.as_bytes()).records().map(Result::unwrap).collect();
    assert_eq!(records.len(), FORMULAS.len());
    records.sort_by_key(|row| row[0].parse::<usize>().unwrap());
    for (row, formula) in records.iter().zip(FORMULAS) {
        let written = formula.replace(['\t', '\r', '\n'], "\u{fffd}").replace(";=", ";'=");
        assert_eq!([&row[1], &row[3]], [&*format!("'{written}"); 2], "{formula}");
    }
    for line in text.lines() {
        for cell in line.split(';') {
            assert!(!cell.trim_start_matches(['"', ' ']).starts_with('='), "{line}");
        }
    }
    // It goes on from such an output, torn or not.
    let last = text.trim_end().rfind('\n').unwrap() + 1;
    for end in (last..=text.len()).filter(|end| text.is_char_boundary(*end)) {
        fs::write(&output, &text[..end]).unwrap();
        let before = server.requests().len();
        let ran = run(&asks, b"");
        assert_eq!(ran.code, Some(0), "{:?}: {ran:?}", &text[last..end]);
        assert_eq!(server.requests().len() - before, usize::from(end < text.len()));
    }
    // JSON lines are for programs, and have what the server wrote.
    let output = file("formulas.jsonl");
    let ran = run(&arguments(&base_url, &input, &output), b"");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for row in rows(&output) {
        let formula = FORMULAS[row["user_id"].as_str().unwrap().parse::<usize>().unwrap() - 1];
        let written = formula.replace(['\t', '\r', '\n'], "\u{fffd}");
        assert_eq!(
            (&row["payment_status"], &row["date_of_purchase"]),
            (&json!(written), &json!(written))
        );
    }
}

#[tokio::test]
async fn an_output_about_something_else_is_never_continued() {
    let (trial, real) = (sandbox(&[("1", "PAID")]).await, sandbox(&[]).await);
    let input = numbered("subject.txt", 2);
    for (name, format, other_format) in
        [("subject.csv", "CSV", "jsonl"), ("subject.jsonl", "JSON lines", "csv")]
    {
        let output = file(name);
        assert_eq!(bulk(&trial, &input, &output, &[]).code, Some(0));
        let text = fs::read_to_string(&output).unwrap();
        asked(&trial).await;
        let asks_real = arguments(&real.base_url, &input, &output);
        let asks_trial = arguments(&trial.base_url, &input, &output);
        let widget = asks_trial.iter().map(|argument| match *argument {
            "--plugin" => "--widget",
            argument => argument,
        });
        let from_trial = format!("about plugin {PLUGIN} from {}", trial.base_url);
        for (arguments, line, whys) in [
            (
                asks_real.clone(),
                true,
                [&*from_trial, &format!("plugin {PLUGIN} from {}", real.base_url)],
            ),
            (
                widget.collect(),
                true,
                [&*from_trial, &format!("widget {PLUGIN} from {}", trial.base_url)],
            ),
            (
                [&asks_trial[..], &["--format", other_format]].concat(),
                false,
                [&format!("is {format}, but this run writes "), "--format"],
            ),
        ] {
            let ran = run(&arguments, b"");
            assert_eq!(ran.code, Some(2), "{ran:?}");
            for why in whys.into_iter().chain(["is left as it is, choose another --output"]) {
                assert!(ran.stderr.contains(why), "{why}: {ran:?}");
            }
            let names_line =
                ran.stderr.contains(if format == "CSV" { "(line 2)" } else { "(line 1)" });
            assert_eq!(names_line, line, "{ran:?}");
            assert_eq!(fs::read_to_string(&output).unwrap(), text);
            assert_eq!((asked(&trial).await, asked(&real).await), (0, 0));
        }
        // The same server, typed in another way.
        let typed = trial.base_url.replace("http://", "HTTP://") + "/";
        let ran = run(&arguments(&typed, &input, &output), b"");
        assert_eq!((ran.code, asked(&trial).await), (Some(0), 0), "{ran:?}");
        assert_eq!(fs::read_to_string(&output).unwrap(), text);

        // From before there was such a mark.
        let old = text.replace(",server\n", "\n").replace(&format!(",{}", trial.base_url), "");
        let old = old.replace(&format!(",\"server\":\"{}\"", trial.base_url), "");
        assert!(!old.contains("server"), "{old}");
        fs::write(&output, &old).unwrap();
        let ran = run(&asks_trial, b"");
        assert_eq!((ran.code, asked(&trial).await), (Some(2), 0), "{ran:?}");
        let why = "was written by an older version, which did not write the server of each answer";
        assert!(ran.stderr.contains(why), "{ran:?}");
        assert_eq!(fs::read_to_string(&output).unwrap(), old);
    }
}

/// The users of one plugin are asked about another.
#[tokio::test]
async fn an_output_can_be_an_input_and_says_what_it_is_about() {
    let program = sandbox(&[("1", "PAID")]).await;
    let (first, second) = (file("first output.csv"), file("second output.csv"));
    assert_eq!(bulk(&program, &numbered("to reuse.txt", 2), &first, &[]).code, Some(0));
    let column = ["--column", "user_id"];
    let ran = bulk(&program, &first, &second, &column);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(!ran.stderr.contains("has answers about"), "{ran:?}");

    let (input, output) = (first.to_str().unwrap(), file("third output.csv"));
    let server = &*program.base_url;
    let asked = ["--widget", "42", "--base-url", server, "--per-minute", "0"];
    let command = ["bulk", input, "--output", output.to_str().unwrap()];
    let ran = run(&[&command[..], &asked, &column].concat(), b"");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let said = format!(
        "{input} has answers about plugin {PLUGIN} from {server}; this run asks the same users about widget 42 from {server}\n"
    );
    assert!(ran.stderr.starts_with(&said), "{ran:?}");
    assert_eq!(users(&output), all(2));
}

#[test]
fn wrong_usage_is_explained_before_anything_is_asked() {
    let nobody = "http://127.0.0.1:9";
    let (table, text) = (file("usage.csv"), numbered("usage.txt", 1));
    fs::write(&table, "id,name,id2,id2\n1,a,1,1\n").unwrap();
    let (empty, blank, german) = (file("empty.csv"), file("blank.csv"), file("german.csv"));
    fs::write(&empty, "").unwrap();
    fs::write(&blank, "\n1\n").unwrap();
    fs::write(&german, "id;name\n1;a\n").unwrap();
    let (little, big, json) = (file("little.txt"), file("big.csv"), file("lines.jsonl"));
    fs::write(&little, "\u{feff}1\n".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>())
        .unwrap();
    fs::write(&big, "\u{feff}id\n".encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>())
        .unwrap();
    fs::write(&json, "{\"user_id\":\"1\"}\n").unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let columns = "its columns are: id, name, id2, id2";
    let output = file("usage answers.csv");
    for (input, options, why) in [
        (
            &*table,
            &[][..],
            format!("usage.csv is CSV; give the column with the user ids with --column; {columns}"),
        ),
        (&*table, &["--column", "ID"], format!("usage.csv has no column ID; {columns}")),
        (&*table, &["--column", "id2"], format!("has two columns id2; {columns}")),
        (
            &*german,
            &["--column", "id"],
            "has no column id; its columns are: id;name (if this is more than one column, give the character"
                .to_owned(),
        ),
        (
            &*empty,
            &["--column", "id"],
            "is empty; its first line has to have the names of the columns".to_owned(),
        ),
        (&*blank, &["--column", "id"], "begins with an empty line; the first line".to_owned()),
        (&*text, &["--delimiter", ";"], "--column".to_owned()),
        (&*text, &["--column", "id", "--delimiter", "::"], "one ASCII character".to_owned()),
        (&*text, &["--widget", "1"], "cannot be used with".to_owned()),
        (Path::new("/no/such/file"), &[], "/no/such/file cannot be read: ".to_owned()),
        (&*little, &[], "little.txt is UTF-16 text; save it as UTF-8".to_owned()),
        (&*big, &["--column", "id"], "big.csv is UTF-16 text; save it as UTF-8".to_owned()),
        (&*json, &[], "lines.jsonl is JSON; bulk reads one user id a line, or a CSV".to_owned()),
        (folder, &[], "is a folder; give the file with the users".to_owned()),
    ] {
        let ran = run(&[&arguments(nobody, input, &output)[..], options].concat(), b"");
        assert_eq!((ran.code, &*ran.stdout), (Some(2), ""), "{ran:?}");
        assert!(ran.stderr.starts_with("error: ") && ran.stderr.contains(&why), "{ran:?}");
        assert!(!output.exists(), "{why}");
    }
    for (output, why) in [
        (folder, "cannot be opened: "),
        (Path::new("-"), "--output has to be a file"),
        (Path::new("/no/such/folder/answers.csv"), "cannot be opened: "),
        #[cfg(unix)]
        (Path::new("/dev/null"), "is not an ordinary file"),
        #[cfg(target_os = "linux")]
        (Path::new("/dev/full"), "is not an ordinary file"),
        #[cfg(target_os = "linux")]
        (Path::new("/dev/stdout"), "is not an ordinary file"), // a pipe here
    ] {
        let ran = run(&arguments(nobody, &text, output), b"");
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.stderr.contains(why), "{ran:?}");
    }
    // What would be written down has no password in it.
    let secret = "http://user:secret@127.0.0.1:9";
    let ran = run(&arguments(secret, &text, &output), b"");
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("has a user name or a password"), "{ran:?}");
    assert!(!ran.stderr.contains("secret") && !output.exists(), "{ran:?}");
    let ran = run(&["bulk", text.to_str().unwrap(), "--output", "x.csv"], b"");
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("give what to ask about: one of --plugin, --widget"), "{ran:?}");
}

#[tokio::test]
async fn what_is_true_of_every_user_stops_the_run() {
    let program = sandbox(&[]).await;
    let (input, output) = (numbered("stopped.txt", 1000), file("stopped.csv"));
    let arguments = arguments(&program.base_url, &input, &output);
    let ran = run_with_token(Some("figd_expired"), &arguments, b"");
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stderr.contains("An access token lives 90 days at most"), "{ran:?}");
    assert!(
        ran.stderr.contains("1,000 users without an answer; run the same command again"),
        "{ran:?}"
    );
    assert!(!ran.stderr.contains("figd_"), "{ran:?}");
    assert!(asked(&program).await <= 16, "no more than were under way");
    fail_next(&program, 403, 1).await;
    let ran = run(&arguments, b"");
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stderr.contains("use one of the account that owns the resource"), "{ran:?}");
    fail_next(&program, 404, 1000).await;
    asked(&program).await;
    let ran = run(&arguments, b"");
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stderr.contains("error: the run has stopped: 20 failures in a row"), "{ran:?}");
    assert!(said(&ran).contains(&"failed 20".to_owned()), "{ran:?}");
    assert!(asked(&program).await < 40);
    program.control("DELETE", "/faults", json!(null)).await;
    assert_eq!(run(&arguments, b"").code, Some(0));
    assert_eq!(users(&output), all(1000));
}

#[tokio::test]
async fn a_limit_is_waited_out() {
    let program = Program::start(&[]);
    let (input, output) = (numbered("limited.txt", 54), file("limited.csv"));
    let ran = bulk(&program, &input, &output, &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(asked(&program).await > 54, "some were refused");
    assert_eq!(users(&output), all(54));
}

#[tokio::test]
async fn users_come_by_standard_input_too() {
    let program = sandbox(&[]).await;
    let output = file("piped.csv");
    let arguments = arguments(&program.base_url, Path::new("-"), &output);
    let ran = run(&arguments, b"1\nx\n2");
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stderr.starts_with("standard input, line 2: the user id has"), "{ran:?}");
    assert_eq!(users(&output), ["1", "2"]);
    let ran = run(&[&arguments[..], &["--column", "id"]].concat(), b"id\n2\n3");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(users(&output), ["1", "2", "3"]);
}
