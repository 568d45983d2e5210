#![allow(clippy::unwrap_used)]

use std::path::Path;

use super::*;

const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn resolve(env: &[(&str, &str)], file: Option<&str>, serve: ServeArgs) -> Result<Config, ConfigError> {
    resolve_common(env, file, serve, CommonArgs::default())
}

fn resolve_common(
    env: &[(&str, &str)],
    file: Option<&str>,
    serve: ServeArgs,
    mut common: CommonArgs,
) -> Result<Config, ConfigError> {
    let temp = tempfile::tempdir().unwrap();
    if let Some(text) = file {
        let path = temp.path().join("lumbung.toml");
        std::fs::write(&path, text).unwrap();
        common.config = Some(path);
    }
    let env = |name: &str| {
        let given = env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        given.or_else(|| (name == "HOME").then(|| "/home/sari".to_owned()))
    };
    Config::resolve_with(&common, &serve, env)
}

fn message(result: Result<Config, ConfigError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn defaults_serve_a_demo_on_a_private_cluster() {
    let config = resolve(&[], None, ServeArgs::default()).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.public_url, "http://localhost:8080");
    assert_eq!(config.zone, Tz::Asia__Jakarta);
    assert!(config.demo && config.demo_history);
    assert!(matches!(config.database, Database::Embedded));
    assert_eq!(config.limits.body_bytes, 1_048_576);
    assert_eq!(config.limits.sensitive_requests_per_hour, 100_000);
}

#[test]
fn flags_win_over_environment_over_file() {
    let file =
        Some("listen = '127.0.0.1:1'\nzone = 'UTC'\n[limits]\nbody_bytes = 2048\npool_connections = 3");
    let env = [("LUMBUNG_LISTEN", "127.0.0.1:2"), ("LUMBUNG_LIMITS_BODY_BYTES", "4096")];
    let flag =
        ServeArgs { listen: Some("127.0.0.1:3".parse().unwrap()), no_demo: true, ..ServeArgs::default() };
    let config = resolve(&env, file, flag).unwrap();
    assert_eq!((config.listen.port(), config.demo, config.demo_history), (3, false, false));
    let config = resolve(&env, file, ServeArgs::default()).unwrap();
    assert_eq!((config.listen.port(), config.demo, config.demo_history), (2, true, true));
    let without = resolve(&[("LUMBUNG_DEMO_HISTORY", "false")], None, ServeArgs::default()).unwrap();
    assert!(without.demo && !without.demo_history);
    assert_eq!((config.limits.body_bytes, config.limits.pool_connections), (4096, 3));
    assert_eq!(config.zone, Tz::UTC);
    let config = resolve(&[("LUMBUNG_LISTEN", "")], file, ServeArgs::default()).unwrap();
    assert_eq!(config.listen.port(), 1);
}

#[test]
fn wrong_keys_and_values_are_named_without_showing_the_password() {
    let text = message(resolve(&[], Some("zone = 'UTC'\nlisen = '127.0.0.1:1'"), ServeArgs::default()));
    assert!(text.contains("line 2") && text.contains("lisen") && text.contains("listen"), "{text}");
    let text = message(resolve(&[], Some("[limits]\nbody = 1"), ServeArgs::default()));
    assert!(text.contains("body"), "{text}");
    let text = message(resolve(&[("LUMBUNG_DEMO", "maybe")], None, ServeArgs::default()));
    assert_eq!(text, "LUMBUNG_DEMO: must be true or false, not `maybe`");
    let text = message(resolve(&[("LUMBUNG_LIMITS_BATCH_COMMANDS", "0")], None, ServeArgs::default()));
    assert_eq!(text, "limits.batch_commands: must be from 1 to 65536, not 0");
    for file in ["database_url = 'postgres://u:s3cret@h/d' x", "database_url = ['s3cret']"] {
        let error = resolve(&[], Some(file), ServeArgs::default()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
    let error = resolve(&[("DATABASE_URL", "mysql://u:s3cret@h/d")], None, ServeArgs::default()).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("s3cret"));
}

#[test]
fn production_insists() {
    let production = ("LUMBUNG_ENVIRONMENT", "production");
    let url = ("DATABASE_URL", "postgres://app:s3cret@db.internal/lumbung");
    let master = ("LUMBUNG_MASTER_KEY", KEY);
    let token = ("LUMBUNG_TOKEN_KEY", KEY);
    let serve = ServeArgs::default;
    let text = message(resolve(&[production, master, token], None, serve()));
    assert!(text.contains("--embedded"), "{text}");
    let text = message(resolve(&[production, url, master], None, serve()));
    assert!(text.contains("LUMBUNG_TOKEN_KEY"), "{text}");
    let demo = ("LUMBUNG_DEMO", "true");
    let text = message(resolve(&[production, url, master, token, demo], None, serve()));
    assert!(text.contains("demo"), "{text}");
    let config = resolve(&[production, url, master, token], None, serve()).unwrap();
    assert!(!config.demo && !config.demo_history);
    assert_eq!(config.limits.sensitive_requests_per_hour, 60);
    assert_eq!(config.secrets().unwrap().master_key.to_hex().as_str(), KEY);
    let common = CommonArgs { embedded: true, ..CommonArgs::default() };
    let config = resolve_common(&[production, url, master, token], None, serve(), common).unwrap();
    assert!(matches!(config.database, Database::Embedded));
}

#[test]
fn printing_hides_what_is_secret() {
    let url = "postgres://app:s3cret@db.internal:5433/ledger?password=s3cret";
    let env = [("DATABASE_URL", url), ("LUMBUNG_MASTER_KEY", KEY)];
    let config = resolve(&env, None, ServeArgs::default()).unwrap();
    let json = serde_json::to_value(&config).unwrap();
    let printed = format!("{config} {config:?} {json}");
    assert!(!printed.contains("s3cret") && !printed.contains(&KEY[..8]), "{printed}");
    assert_eq!(json["database_url"], "postgres://app@db.internal:5433/ledger");
    assert_eq!(json["master_key"], "<given>");
    assert!(config.to_string().contains("[limits]"));
}

#[test]
fn key_files_are_read_and_must_be_private() {
    use std::os::unix::fs::PermissionsExt;
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("master");
    std::fs::write(&path, KEY).unwrap();
    let set = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    let env = [("LUMBUNG_MASTER_KEY_FILE", path.to_str().unwrap()), ("LUMBUNG_TOKEN_KEY", KEY)];
    set(0o440);
    let config = resolve(&env, None, ServeArgs::default()).unwrap();
    assert_eq!(config.secrets().unwrap().master_key.to_hex().as_str(), KEY);
    set(0o444);
    assert!(message(resolve(&env, None, ServeArgs::default())).contains("0444"));
    let twice = [env[0], ("LUMBUNG_MASTER_KEY", KEY)];
    assert!(message(resolve(&twice, None, ServeArgs::default())).contains("both set"));
}

#[test]
fn keys_not_given_come_from_the_data_folder() {
    let temp = tempfile::tempdir().unwrap();
    let common = CommonArgs { data_dir: Some(temp.path().join("d")), ..CommonArgs::default() };
    let read = || resolve_common(&[], None, ServeArgs::default(), common.clone()).unwrap().secrets().unwrap();
    assert_eq!(read().token_key.as_bytes(), read().token_key.as_bytes());
    assert!(Path::new(&temp.path().join("d/secrets/token.key")).exists());
}

#[test]
fn what_is_logged_and_who_may_script() {
    let config = resolve(&[], None, ServeArgs::default()).unwrap();
    assert_eq!((config.log.format, config.log.requests), (LogFormat::Text, false));
    assert_eq!((config.cors_origins.len(), config.metrics_listen), (0, None));
    let env =
        [("LUMBUNG_CORS_ORIGINS", "https://a.example, http://localhost:3000,"), ("LUMBUNG_LOG", "debug")];
    let config =
        resolve(&env, Some("log_format = 'json'\nlog_requests = true"), ServeArgs::default()).unwrap();
    assert_eq!(config.cors_origins, ["https://a.example", "http://localhost:3000"]);
    assert_eq!(
        (config.log.format, config.log.requests, &*config.log.filter),
        (LogFormat::Json, true, "debug")
    );
    let config = resolve(&[], Some("cors_origins = ['*']"), ServeArgs::default()).unwrap();
    assert_eq!(config.cors_origins, ["*"]);
    for wrong in ["a.example", "https://a.example/", "https://A.example", "*, https://a.example", "null"] {
        let text = message(resolve(&[("LUMBUNG_CORS_ORIGINS", wrong)], None, ServeArgs::default()));
        assert!(text.starts_with("cors_origins: must be origins"), "{text}");
    }
    let text = message(resolve(&[("LUMBUNG_LOG", "lumbung=loud")], None, ServeArgs::default()));
    assert_eq!(text, "log_filter: must be a filter such as info,lumbung=debug, not `lumbung=loud`");
}

/// A setting that is read but not printed would decide something that nobody can see.
#[test]
fn every_setting_is_printed_but_the_files_of_keys() {
    let file = "metrics_listen = '127.0.0.1:9'\ndatabase_url = 'postgres://a@h/d'";
    let json = serde_json::to_value(resolve(&[], Some(file), ServeArgs::default()).unwrap()).unwrap();
    for setting in SETTINGS {
        let name = setting.name.strip_suffix("_file").unwrap_or(setting.name);
        assert!(json.get(name).is_some(), "{name} is missing: {json}");
    }
    for limit in LIMITS {
        assert!(json["limits"].get(limit.name).is_some(), "{}", limit.name);
    }
}

#[test]
fn every_setting_can_be_given_in_the_environment_and_the_file() {
    for limit in LIMITS {
        let value = limit.lowest.to_string();
        let shown = |config: Config| serde_json::to_value(config).unwrap()["limits"][limit.name].clone();
        let env = limit.env();
        assert_eq!(shown(resolve(&[(&env, &value)], None, ServeArgs::default()).unwrap()), limit.lowest);
        let file = format!("[limits]\n{} = {}", limit.name, limit.highest);
        assert_eq!(shown(resolve(&[], Some(&file), ServeArgs::default()).unwrap()), limit.highest);
    }
    for setting in SETTINGS.iter().chain(MAIL_SETTINGS) {
        for name in setting.env {
            assert!(name.starts_with("LUMBUNG_") || *name == "DATABASE_URL", "{name}");
        }
    }
}

#[test]
fn the_documentation_of_the_configuration_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    let made = markdown();
    if std::env::var_os("LUMBUNG_UPDATE").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == made, "docs/configuration.md is old: run LUMBUNG_UPDATE=1 cargo test configuration");
    let settings = SETTINGS.iter().chain(MAIL_SETTINGS).map(|setting| setting.name);
    for name in settings.chain(LIMITS.iter().map(|limit| limit.name)) {
        assert!(stored.contains(&format!("| `{name}` |")), "{name}");
    }
}

#[test]
fn mail_is_whole_or_absent_and_keeps_its_password() {
    let (url, from) =
        (("LUMBUNG_MAIL_SMTP_URL", "smtps://mail.example.com"), ("LUMBUNG_MAIL_FROM", "Us <a@b.co>"));
    let serve = ServeArgs::default;
    assert!(resolve(&[], None, serve()).unwrap().mail.is_none());
    let mail = resolve(&[url, from], None, serve()).unwrap().mail.unwrap();
    assert_eq!((mail.from.to_string().as_str(), mail.credentials.is_none()), ("Us <a@b.co>", true));
    let (user, password) = (("LUMBUNG_MAIL_USERNAME", "sari"), ("LUMBUNG_MAIL_PASSWORD", "s3cret"));
    let config = resolve(&[url, from, user, password], None, serve()).unwrap();
    let printed = format!("{config} {config:?} {}", serde_json::to_value(&config).unwrap());
    assert!(printed.contains("sari") && !printed.contains("s3cret"), "{printed}");
    assert!(message(resolve(&[url], None, serve())).starts_with("mail.from: "));
    assert!(message(resolve(&[url, from, user], None, serve())).starts_with("mail.username: "));
    for bad in [
        "mail.example.com",
        "http://mail.example.com",
        "smtp://",
        "smtp://host?tls=maybe",
        "smtps://u:s3cret@host",
    ] {
        let error = resolve(&[("LUMBUNG_MAIL_SMTP_URL", bad), from], None, serve()).unwrap_err();
        assert!(error.to_string().starts_with("mail.smtp_url: "), "{bad}: {error}");
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }
    let file = "[mail]\nsmtp_url = 'smtp://localhost:1025'\nfrom = 'a@b.co'\n";
    assert!(resolve(&[], Some(file), serve()).unwrap().mail.is_some());
}

#[test]
fn mail_in_production_is_encrypted_on_the_way() {
    let production = |url| {
        let env = [
            ("LUMBUNG_ENVIRONMENT", "production"),
            ("DATABASE_URL", "postgres://app@db.internal/lumbung"),
            ("LUMBUNG_MASTER_KEY", KEY),
            ("LUMBUNG_TOKEN_KEY", KEY),
            ("LUMBUNG_MAIL_SMTP_URL", url),
            ("LUMBUNG_MAIL_FROM", "a@b.co"),
        ];
        resolve(&env, None, ServeArgs::default())
    };
    for url in [
        "smtps://mail.example.com",
        "smtp://mail.example.com?tls=required",
        "smtp://127.0.0.1:25",
        "smtp://[::1]:25",
    ] {
        assert!(production(url).is_ok(), "{url}");
    }
    for url in [
        "smtp://mail.example.com",
        "smtp://mail.example.com?tls=opportunistic",
        "smtp://mail.example.com/?nottls=required",
        "smtp://mail.example.com/tls=required",
        "smtp://mail.example.com?tls=opportunistic&tls=required",
        "smtp://mail.example.com?%74ls=opportunistic&tls=required",
        "smtp://localhost.example.com",
    ] {
        assert!(message(production(url)).contains("TLS"), "{url}");
    }
}

#[test]
fn proxies_are_networks() {
    let proxies = |value| resolve(&[("LUMBUNG_TRUSTED_PROXIES", value)], None, ServeArgs::default());
    assert_eq!(proxies("10.0.0.0/8, ::1").unwrap().trusted_proxies.to_string(), "10.0.0.0/8,::1/128");
    assert!(message(proxies("everyone")).starts_with("trusted_proxies: "));
}
