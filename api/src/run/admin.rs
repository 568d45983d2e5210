//! `lumbung admin create`: makes a superadmin, in the ledger itself, whether or not a server runs on it.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use console::Term;
use lumbung_commands::reference::DefineReferenceData;
use lumbung_commands::user::{Newcomer, RegisterStaff};
use lumbung_commands::{Call, Ledger, UseCase};
use lumbung_domain::{Email, PersonName, Rejection, RoleId, UserNumber, check_new_password};
use lumbung_journal::{JournalError, migrate};
use serde_json::json;
use zeroize::Zeroizing;

use super::RunError;
use crate::auth::{Passwords, Standing};
use crate::cli::{AdminArgs, CommonArgs, Exit};
use crate::config::Config;
use crate::node::{NodeError, ledger_options};
use crate::numbers::Numbers;
use crate::place::Place;

/// No password is longer; more of a file is not read.
const LONGEST_INPUT: u64 = 4_096;
/// Who made the change, in the metadata of its events.
const ACTOR: &str = "command line";

pub(super) async fn create(common: &CommonArgs, args: &AdminArgs) -> Result<Exit, RunError> {
    // Whatever can be wrong with what was typed is said before the database is touched.
    let email = Email::new(&args.email).map_err(|why| usage("email", why.as_str()))?;
    let name = PersonName::new(&args.name).map_err(|why| usage("name", why.as_str()))?;
    let password = password(args.password_file.as_deref())?;
    check_new_password(&password).map_err(|why| usage("password", why.as_str()))?;
    let (config, place) = super::place(common).await?;
    let created = register(&config, &place, &name, &email, &password).await;
    place.leave().await?;
    match created? {
        Ok(number) => {
            if common.json {
                println!("{}", json!({"created": true, "id": number.0}));
            } else {
                println!("created: a SUPERADMIN, user {number}");
            }
            Ok(Exit::Done)
        }
        Err(rejection) => {
            if common.json {
                println!(
                    "{}",
                    json!({"created": false, "code": rejection.code(), "reason": rejection.to_string()})
                );
            } else {
                println!("not created: {rejection}");
            }
            Ok(Exit::Finding)
        }
    }
}

/// A node of its own beside those that may run.
async fn register(
    config: &Config,
    place: &Place,
    name: &PersonName,
    email: &Email,
    password: &Zeroizing<String>,
) -> Result<Result<UserNumber, Rejection>, RunError> {
    let secrets = config.secrets()?;
    let hash = Passwords::new().hash(Standing::Known, [0; 32], password).await?;
    migrate(place.database()).await?;
    let options = ledger_options(place.database(), &secrets.master_key, config);
    let (ledger, task) = Ledger::open(options).await?;
    let registered = async {
        // The role must be there, also in a database that no server has seen yet.
        if let Err(rejection) = execute(&ledger, DefineReferenceData).await? {
            return Err(NodeError::Reference(rejection.to_string()).into());
        }
        let number = Numbers::new(ledger.pool().clone()).user().await.map_err(JournalError::from)?;
        let (newcomer, _) =
            Newcomer::seal(ledger.vault(), number, name, email, &hash).map_err(JournalError::from)?;
        let staff = RegisterStaff { newcomer, role: RoleId::SUPERADMIN, branch: None };
        Ok(execute(&ledger, staff).await?.map(|()| number))
    }
    .await;
    drop(ledger);
    // Its last act is an anchor of the log's end; what was registered is registered without it.
    if let Err(failed) = task.finished().await {
        tracing::warn!(error = &failed as &dyn std::error::Error, "the ledger did not end well");
    }
    registered
}

async fn execute<U: UseCase>(
    ledger: &Ledger,
    use_case: U,
) -> Result<Result<U::Outcome, Rejection>, RunError> {
    let call = Call { metadata: vec![("actor", ACTOR.to_owned())], key: None };
    Ok(ledger.execute(use_case, call).await?.outcome)
}

/// From the file (`-` is standard input), or typed twice where nobody sees it, or the first line of standard input.
fn password(file: Option<&Path>) -> Result<Zeroizing<String>, RunError> {
    match file {
        Some(path) if path != Path::new("-") => {
            let failed = |source| RunError::Environment(format!("cannot read {}", path.display()), source);
            first_line(File::open(path).map_err(failed)?).map_err(failed)
        }
        None if io::stdin().is_terminal() => typed(),
        Some(_) | None => first_line(io::stdin().lock())
            .map_err(|source| RunError::Environment("cannot read standard input".to_owned(), source)),
    }
}

fn typed() -> Result<Zeroizing<String>, RunError> {
    let failed = |source| RunError::Environment("cannot read from the terminal".to_owned(), source);
    let terminal = Term::stderr();
    if !terminal.is_term() {
        return Err(usage("password", "give it on standard input or with --password-file"));
    }
    let ask = |prompt: &str| -> io::Result<Zeroizing<String>> {
        terminal.write_str(prompt)?;
        terminal.read_secure_line().map(Zeroizing::new)
    };
    let first = ask("Password: ").map_err(failed)?;
    let second = ask("Again: ").map_err(failed)?;
    if *first == *second { Ok(first) } else { Err(usage("password", "the two are not the same")) }
}

pub(super) fn first_line(from: impl Read) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    from.take(LONGEST_INPUT).read_to_string(&mut text)?;
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}

fn usage(what: &str, why: &str) -> RunError {
    RunError::Usage(format!("{what}: {why}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_password_is_the_first_line() {
        for (text, line) in [("granary", "granary"), (" a b \r\nmore", " a b "), ("", ""), ("\nx", "")] {
            assert_eq!(*first_line(text.as_bytes()).unwrap(), line);
        }
        assert!(first_line(&b"\xff"[..]).is_err());
    }
}
