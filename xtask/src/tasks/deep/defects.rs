//! Puts deliberate defects into a copy of the checkout, one at a time. The contract tests
//! have to catch each of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::shared::workspace::{Workspace, copy_folder};

use crate::shared::process::cargo;
use crate::tasks::contract;

/// A text in a file and its replacement. The file must have the text exactly once, so that
/// an entry is noticed when the code has changed.
struct Defect {
    what: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
}

const STATE: &str = "src/sandbox/state.rs";
const SHAPED: &str = r#"body["meta"]["payment_status"] = shaped;"#;
const UNKNOWN_TOKEN: &str =
    "let access_token = access_token.ok_or_else(|| Refusal::documented(401))?;";

const OF_THE_SANDBOX: [Defect; 14] = [
    Defect {
        what: "the access token is ignored",
        file: STATE,
        from: UNKNOWN_TOKEN,
        to: "let access_token = access_token.unwrap_or_default();",
    },
    Defect {
        what: "an id is a number",
        file: STATE,
        from: SHAPED,
        to: r#"body["meta"]["payment_status"] = shaped; body["meta"]["user_id"] = 1.into();"#,
    },
    Defect {
        what: "a status that does not exist",
        file: STATE,
        from: SHAPED,
        to: r#"let _ = shaped; body["meta"]["payment_status"] = "ACTIVE".into();"#,
    },
    Defect {
        what: "a date that is none",
        file: STATE,
        from: SHAPED,
        to: r#"body["meta"]["payment_status"] = shaped; body["meta"]["date_of_purchase"] = "15/06/2024".into();"#,
    },
    Defect {
        what: "a field is missing",
        file: STATE,
        from: SHAPED,
        to: r#"body["meta"]["payment_status"] = shaped; body["meta"].as_object_mut().unwrap().remove("resource_type");"#,
    },
    Defect {
        what: "500 for a good question",
        file: STATE,
        from: "None => self.payment(request),",
        to: r#"None if request.query().contains("widget_id") => Err(Refusal::documented(500)), None => self.payment(request),"#,
    },
    Defect {
        what: "a status that is not documented",
        file: STATE,
        from: UNKNOWN_TOKEN,
        to: "let access_token = access_token.ok_or_else(|| Refusal::documented(418))?;",
    },
    Defect {
        what: "a question that is none is answered",
        file: STATE,
        from: r#".map_err(|why| Refusal::new(400, format!("Invalid parameter: {why}")))?;"#,
        to: r#".unwrap_or_else(|_| PaymentQuery::by_user(UserId::from(1), Resource::plugin("1").unwrap()));"#,
    },
    Defect {
        what: "a parameter may be given twice",
        file: STATE,
        from: r#"return Err(format!("{name} is given twice"));"#,
        to: "continue;",
    },
    Defect {
        what: "JSON is called text",
        file: "src/sandbox/message.rs",
        from: r#"HeaderValue::from_static("application/json")"#,
        to: r#"HeaderValue::from_static("text/plain")"#,
    },
    Defect {
        what: "the body of an error has another status",
        file: STATE,
        from: "error: true, status: status.into(), message",
        to: "error: true, status: 400.into(), message",
    },
    Defect {
        what: "the body of an error says that it is none",
        file: STATE,
        from: "error: true, status: status.into(), message",
        to: "error: false, status: status.into(), message",
    },
    Defect {
        what: "the answer is about another user",
        file: STATE,
        from: "payment.date_of_purchase = purchase",
        to: "payment.user_id.push('1'); payment.date_of_purchase = purchase",
    },
    Defect {
        what: "any method will do",
        file: STATE,
        from: "if request.method != operation::METHOD",
        to: r#"if request.method == "NONE""#,
    },
];

const QUERY: &str = "src/model/query.rs";
const ATTEMPT: &str = "src/platform/native/attempt.rs";
const CREDENTIAL: &str = "let (name, value) = &*context.credential;";
const INSERT: &str = "request.headers_mut().insert(name.clone(), value.clone());";

const OF_THE_CLIENT: [Defect; 12] = [
    Defect {
        what: "an id goes through a float",
        file: ATTEMPT,
        from: CREDENTIAL,
        to: r#"let (name, value) = &*context.credential;
            let query = request.url().query().unwrap_or_default().replace("1678669904810665842", "1678669904810665700");
            request.url_mut().set_query(Some(&query));"#,
    },
    Defect {
        what: "plugin_id and widget_id are both sent",
        file: QUERY,
        from: "Resource::Plugin(_) => QueryParameters { plugin_id: id, ..of_user },",
        to: "Resource::Plugin(_) => QueryParameters { plugin_id: id, widget_id: id, ..of_user },",
    },
    Defect {
        what: "the access token is not sent",
        file: ATTEMPT,
        from: INSERT,
        to: "let _ = (name, value);",
    },
    Defect {
        what: "the access token goes as a bearer token",
        file: "src/model/credentials.rs",
        from: r#"HeaderName::from_static("x-figma-token"), token.0.clone()"#,
        to: r#"reqwest::header::AUTHORIZATION, Zeroizing::new(format!("Bearer {}", token.as_str()))"#,
    },
    Defect {
        what: "the access token stands in a second header",
        file: ATTEMPT,
        from: INSERT,
        to: r#"request.headers_mut().insert(name.clone(), value.clone()); request.headers_mut().insert("x-token", value.clone());"#,
    },
    Defect {
        what: "the path is wrong",
        file: ATTEMPT,
        from: CREDENTIAL,
        to: r#"let (name, value) = &*context.credential; request.url_mut().set_path("/v1/payment");"#,
    },
    Defect {
        what: "the generator's api-version goes along",
        file: ATTEMPT,
        from: r#"request.headers_mut().remove("api-version");"#,
        to: "",
    },
    Defect {
        what: "the user is left out",
        file: QUERY,
        from: "Resource::Plugin(_) => QueryParameters { plugin_id: id, ..of_user },",
        to: "Resource::Plugin(_) => QueryParameters { plugin_id: id, user_id: None, ..of_user },",
    },
    Defect {
        what: "a widget is asked about as a plugin",
        file: QUERY,
        from: "Resource::Widget(_) => QueryParameters { widget_id: id, ..of_user },",
        to: "Resource::Widget(_) => QueryParameters { plugin_id: id, ..of_user },",
    },
    Defect {
        what: "ids go along with a payment token",
        file: QUERY,
        from: "plugin_payment_token: Some(token.as_str()),",
        to: "plugin_payment_token: Some(token.as_str()), plugin_id: self.resource().map(Resource::id),",
    },
    Defect {
        what: "the answer's user is not verified",
        file: QUERY,
        from: "if users.any(|user| answer.user_id != user.as_str())",
        to: "if users.any(|_| false)",
    },
    Defect {
        what: "it is not a GET",
        file: ATTEMPT,
        from: CREDENTIAL,
        to: "let (name, value) = &*context.credential; *request.method_mut() = http::Method::POST;",
    },
];

/// The prefixes of test names, and the tool that these tests use.
const JUDGES: [(&str, &str); 7] = [
    ("examples::", "jsonschema"),
    ("exchanges::", "jsonschema"),
    ("samples::", "jsonschema"),
    ("mocks::", "httpmock"),
    ("prism::prism_serves", "Prism (mock)"),
    ("prism::prism_stands", "Prism (proxy)"),
    ("schemathesis::", "Schemathesis"),
];

/// Tries each defect and prints which tools caught it.
pub fn run() -> Result<(), String> {
    contract::prepare()?;
    let workspace = Workspace::locate();
    let folder = workspace.target().join("deep");
    let copy = folder.join("defects");
    let target = folder.join("target");
    let _ = fs::remove_dir_all(&copy);
    copy_folder(workspace.root(), &copy).map_err(|error| format!("{error:#}"))?;
    let healthy = caught_by(&copy, &target)?;
    if !healthy.is_empty() {
        return Err(format!("tests fail even without a defect: {healthy:?}"));
    }
    let mut missed = 0;
    let of_whom = [("sandbox", &OF_THE_SANDBOX[..]), ("client", &OF_THE_CLIENT[..])];
    println!("| Of the | Defect | Caught by |\n|---|---|---|");
    for (whom, defects) in of_whom {
        for Defect { what, file, from, to } in defects {
            let path = copy.join(file);
            let sound = fs::read_to_string(&path).map_err(|error| format!("{file}: {error}"))?;
            if sound.matches(from).count() != 1 {
                return Err(format!(
                    "{what}: {file} does not have {from:?} exactly once; adjust the entry"
                ));
            }
            let write =
                |text: &str| fs::write(&path, text).map_err(|error| format!("{file}: {error}"));
            write(&sound.replacen(from, to, 1))?;
            let judges = caught_by(&copy, &target).map_err(|error| format!("{what}: {error}"))?;
            write(&sound)?;
            missed += usize::from(judges.is_empty());
            let judges = Vec::from_iter(judges).join(", ");
            println!(
                "| {whom} | {what} | {} |",
                if judges.is_empty() { "nobody" } else { &judges }
            );
        }
    }
    match missed {
        0 => Ok(()),
        _ => Err(format!("{missed} defects were not caught")),
    }
}

/// Runs the contract tests in the copy and gives the tools whose tests failed. It is built
/// in a separate target folder: cargo cannot tell the crates of a copy from those of the
/// checkout, so the next build of the checkout would use the ones with the defect.
fn caught_by(copy: &Path, target: &Path) -> Result<BTreeSet<&'static str>, String> {
    let mut command: Command = cargo();
    let output = command
        .current_dir(copy)
        .args(["test", "--workspace", "--all-features", "--no-fail-fast"])
        .args(["--test", "contract"])
        .args(["--", "--include-ignored", "--test-threads=2", "--skip", "redocly::"])
        .env("CARGO_TARGET_DIR", target)
        .env("FIGMA_PAYMENTS_CONTRACT", contract::folder())
        .output()
        .map_err(|error| format!("cargo test: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    if said.matches("test result: ").count() != 1 {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("the copy does not compile: {said}"));
    }
    let failed = said.lines().filter_map(|line| {
        let test = line.strip_prefix("test ")?.strip_suffix(" ... FAILED")?;
        JUDGES.iter().find(|(prefix, _)| test.starts_with(prefix)).map(|(_, judge)| *judge)
    });
    Ok(failed.collect())
}
