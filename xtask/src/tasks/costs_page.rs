//! Writes tables into pages, those of `docs/costs.md` above all, each between two comments
//! that mark its place.

use crate::shared::workspace::Workspace;

const PAGE: &str = "docs/costs.md";

/// Replaces the text between `<!-- NAME -->` and `<!-- /NAME -->` in `docs/costs.md`.
///
/// # Errors
///
/// The page does not have these comments, or cannot be read or written.
pub fn write(workspace: &Workspace, name: &str, text: &str) -> Result<(), String> {
    write_to(PAGE, workspace, name, text)
}

/// The same in another page.
///
/// # Errors
///
/// Those of [`write`].
pub fn write_to(path: &str, workspace: &Workspace, name: &str, text: &str) -> Result<(), String> {
    let page = workspace.read(path).map_err(|error| format!("{error:#}"))?;
    let replaced = replaced(&page, name, text).map_err(|missing| format!("{path} {missing}"))?;
    std::fs::write(workspace.root().join(path), replaced)
        .map_err(|error| format!("{path} cannot be written: {error}"))
}

fn replaced(page: &str, name: &str, text: &str) -> Result<String, String> {
    let begin = format!("<!-- {name} -->\n");
    let end = format!("<!-- /{name} -->\n");
    let (before, rest) = page.split_once(&begin).ok_or_else(|| missing(&begin))?;
    let (_, after) = rest.split_once(&end).ok_or_else(|| missing(&end))?;
    Ok(format!("{before}{begin}{text}{end}{after}"))
}

fn missing(marker: &str) -> String {
    format!("does not have the line `{}`, which marks where to write", marker.trim())
}

/// A Markdown table. Every column except the first is aligned for numbers.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
    let rule: String =
        (0..head.len()).map(|column| if column == 0 { "|---|" } else { "---:|" }).collect();
    let rows = rows.iter().map(|row| line(row.iter().map(String::as_str).collect()));
    format!("{}{rule}\n{}", line(head.to_vec()), rows.collect::<String>())
}

/// 12345 as "12,345".
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# A\n<!-- bench -->\nold\n<!-- /bench -->\nend\n";

    #[test]
    fn only_the_text_between_the_markers_is_replaced() {
        let once = replaced(TEXT, "bench", "new\n").unwrap();
        assert_eq!(once, "# A\n<!-- bench -->\nnew\n<!-- /bench -->\nend\n");
        assert_eq!(replaced(&once, "bench", "new\n").unwrap(), once);
    }

    #[test]
    fn a_missing_marker_is_named() {
        let error = replaced(TEXT, "weight", "new\n").unwrap_err();
        assert!(error.contains("<!-- weight -->"), "{error}");
        let error = replaced("<!-- bench -->\n", "bench", "new\n").unwrap_err();
        assert!(error.contains("<!-- /bench -->"), "{error}");
    }

    #[test]
    fn the_pages_have_a_place_for_each_command() {
        let places = [(PAGE, "bench"), (PAGE, "weight"), ("docs/fleet.md", "simulate")];
        for (path, name) in places {
            replaced(&Workspace::locate().read(path).unwrap(), name, "").unwrap();
        }
    }

    #[test]
    fn tables_are_markdown_and_numbers_have_commas() {
        let text = table(&["what", "how much"], &[vec!["a".into(), thousands(1_234_567)]]);
        assert_eq!(text, "| what | how much |\n|---|---:|\n| a | 1,234,567 |\n");
        assert_eq!([0, 999, 1000].map(thousands), ["0", "999", "1,000"]);
    }
}
