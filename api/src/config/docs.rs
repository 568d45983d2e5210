//! `docs/configuration.md`, from the definitions of the settings themselves.

use std::fmt::Write as _;

use super::{LIMITS, Limit, MAIL_SETTINGS, SETTINGS, Setting};

const HEAD: &str = "\
# Configuration

Flags win over the environment, the environment over the TOML file (`--config FILE` or `LUMBUNG_CONFIG`), the file over
the defaults. `lumbung config` prints what is in force, without secrets. An empty variable counts as not set; an unknown
key of the file is an error that names it.

This file is made from the definitions in `api/src/config`; `LUMBUNG_UPDATE=1 cargo test configuration` makes it anew.
";

const COLUMNS: &str = "| TOML | environment | flag | default | what it does |\n|---|---|---|---|---|\n";

const SECRETS: &str = "
## Secrets

The keys have 32 bytes, written as 64 hex digits. They come from the environment, from a file that `master_key_file` or
`token_key_file` names, or from the data folder, where they are generated on first use; in production they must be given.
They are never flags and never stand in the TOML file.

| environment | what it does |
|---|---|
| `LUMBUNG_MASTER_KEY` | wraps the key of every person. Without it nothing personal can be read; keep a copy apart from the database's backups |
| `LUMBUNG_TOKEN_KEY` | signs access tokens. A new one ends nobody's session but makes everyone fetch a new token |
| `LUMBUNG_MAIL_PASSWORD` | the password to the mail server |
";

const LIMITS_HEAD: &str = "
## Limits

In the table `[limits]` of the TOML file, or as `LUMBUNG_LIMITS_` and the name in capitals. The unit stands last in the
name: `_ms`, `_s`, `_bytes`; without one it is a number of what the name says.

| name | default | range | what it does |
|---|---|---|---|
";

/// The text of `docs/configuration.md`.
#[must_use]
pub fn markdown() -> String {
    let mut text = HEAD.to_owned();
    text.push_str("\n## Settings\n\n");
    text.push_str(COLUMNS);
    SETTINGS.iter().for_each(|setting| setting_row(&mut text, setting));
    text.push_str("\n## Mail\n\nIn the table `[mail]` of the TOML file.\n\n");
    text.push_str(COLUMNS);
    MAIL_SETTINGS.iter().for_each(|setting| setting_row(&mut text, setting));
    text.push_str(SECRETS);
    text.push_str(LIMITS_HEAD);
    LIMITS.iter().for_each(|limit| limit_row(&mut text, limit));
    text
}

fn setting_row(text: &mut String, setting: &Setting) {
    let Setting { name, env, flag, default, doc } = setting;
    let env: Vec<String> = env.iter().map(|name| format!("`{name}`")).collect();
    let flag = flag.map(|flag| format!("`{flag}`")).unwrap_or_default();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "| `{name}` | {} | {flag} | {default} | {} |", env.join(", "), sentence(doc));
}

fn limit_row(text: &mut String, limit: &Limit) {
    let (usual, production) = ((limit.default)(false), (limit.default)(true));
    let default =
        if usual == production { usual.to_string() } else { format!("{usual}; in production {production}") };
    let Limit { name, doc, lowest, highest, .. } = limit;
    let _ = writeln!(text, "| `{name}` | {default} | {lowest}–{highest} | {} |", sentence(doc));
}

/// A doc comment as one line.
fn sentence(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ")
}
