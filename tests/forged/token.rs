//! The table of forgeries: what attackers of JSON web tokens try (RFC 8725 §2, and what was found in the wild).

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use jsonwebtoken::crypto::sign;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::golden::town::Person;
use crate::rest_smoke::TOKEN_KEY;

/// An attacker's own P-256 key, PKCS #8.
const ATTACKERS_KEY: &str = "308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b020101042019e4b7339036855684cf74\
    6b664a51a58398b9fe00d6bcb73b3f68baead6ee44a14403420004cb1bb59942303e4ee93389a0416c3ff4a7f080183f7c33cfc73b2112e9c22e\
    1cd577854491cf57fdc69248ba0b4a9abdec1d6dc49f58c06079cf2ca92081179b";

/// What is sent as `Authorization`.
pub(super) struct Forgery {
    pub(super) name: String,
    pub(super) headers: Vec<Vec<u8>>,
}

/// A token in its parts.
#[derive(Clone)]
struct Draft {
    header: Value,
    claims: Value,
}

impl Forgery {
    pub(super) fn bearer(name: &str, token: &str) -> Self {
        Self::sent(name, &[&format!("Bearer {token}")])
    }

    fn sent(name: &str, headers: &[&str]) -> Self {
        let headers = headers.iter().map(|value| value.as_bytes().to_vec()).collect();
        Self { name: name.to_owned(), headers }
    }
}

impl Draft {
    /// What a real token says.
    fn of(token: &str) -> Self {
        let part = |index| {
            let part = token.split('.').nth(index).unwrap();
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
        };
        Self { header: part(0), claims: part(1) }
    }

    fn header(&self, name: &str, value: Value) -> Self {
        let mut draft = self.clone();
        draft.header[name] = value;
        draft
    }

    fn claim(&self, name: &str, value: Value) -> Self {
        let mut draft = self.clone();
        draft.claims[name] = value;
        draft
    }

    fn without(&self, name: &str) -> Self {
        let mut draft = self.clone();
        draft.claims.as_object_mut().unwrap().remove(name).expect(name);
        draft
    }

    fn message(&self) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}", part(&self.header), part(&self.claims))
    }

    /// Signed, whatever the header says.
    fn signed(&self, algorithm: Algorithm, key: &EncodingKey) -> String {
        let message = self.message();
        format!("{message}.{}", sign(message.as_bytes(), key, algorithm).unwrap())
    }

    fn hs256(&self, key: &[u8]) -> String {
        self.signed(Algorithm::HS256, &EncodingKey::from_secret(key))
    }

    fn signed_by_us(&self) -> String {
        self.hs256(&our_key())
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pairs =
        digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap());
    pairs.collect()
}

fn our_key() -> Vec<u8> {
    bytes(TOKEN_KEY)
}

/// All of them. `john` is impersonated with what `jane` has of her own; nobody becomes `admin`.
pub(super) fn forgeries(john: &Person, jane: &Person, admin: &Person) -> Vec<Forgery> {
    let good = Draft::of(&john.token);
    assert_eq!(good.signed_by_us().split('.').count(), 3);
    let mut table = Vec::new();
    let mut add = |name: &str, token: String| table.push(Forgery::bearer(name, &token));
    unsigned(&good, &mut add);
    wrong_keys(&good, &mut add);
    confused(&good, &mut add);
    misused(&good, &mut add);
    exchanged(john, jane, admin, &mut add);
    misspelt(&john.token, &mut add);
    table.extend(wrong_headers(&john.token));
    table
}

fn unsigned(good: &Draft, add: &mut impl FnMut(&str, String)) {
    for algorithm in ["none", "None", "NONE", "nOnE", "", "null"] {
        let draft = good.header("alg", json!(algorithm));
        add(&format!("alg {algorithm:?}, no signature"), format!("{}.", draft.message()));
        add(&format!("alg {algorithm:?}, a signature"), draft.signed_by_us());
    }
    add("alg null", good.header("alg", Value::Null).signed_by_us());
    add("alg a list", good.header("alg", json!(["none", "HS256"])).signed_by_us());
    add("HS256 without a signature", format!("{}.", good.message()));
}

fn wrong_keys(good: &Draft, add: &mut impl FnMut(&str, String)) {
    for (name, key) in [
        ("an empty key", Vec::new()),
        ("a key of zeroes", vec![0; 32]),
        ("the key secret", b"secret".to_vec()),
        ("the issuer as key", b"lumbung".to_vec()),
        ("the key in hexadecimal", TOKEN_KEY.as_bytes().to_vec()),
        ("another ledger's key", b"another ledger has a key as well".to_vec()),
    ] {
        add(name, good.hs256(&key));
    }
    let (guess, k) =
        (b"the attacker's own, in the header", URL_SAFE_NO_PAD.encode("the attacker's own, in the header"));
    add("jwk in the header", good.header("jwk", json!({"kty": "oct", "k": k})).hs256(guess));
    add("jku in the header", good.header("jku", json!("https://attacker.example/jwks.json")).hs256(guess));
    add("x5u in the header", good.header("x5u", json!("https://attacker.example/cert.pem")).hs256(guess));
    add("x5c in the header", good.header("x5c", json!([STANDARD.encode("certificate")])).hs256(guess));
    add("kid that walks up to an empty file", good.header("kid", json!("../../../../dev/null")).hs256(b""));
    add("kid that selects the key", good.header("kid", json!("' union select 'k' -- ")).hs256(b"k"));
    add("kid that runs a command", good.header("kid", json!("|cat /etc/passwd")).hs256(b""));
}

fn confused(good: &Draft, add: &mut impl FnMut(&str, String)) {
    let ours = EncodingKey::from_secret(&our_key());
    for (algorithm, name) in [(Algorithm::HS384, "HS384"), (Algorithm::HS512, "HS512")] {
        add(&format!("{name} with the right key"), good.header("alg", json!(name)).signed(algorithm, &ours));
    }
    for name in ["RS256", "PS256", "ES256", "EdDSA", "hs256"] {
        add(&format!("{name} signed as HS256"), good.header("alg", json!(name)).signed_by_us());
    }
    let theirs = EncodingKey::from_ec_der(&bytes(ATTACKERS_KEY));
    let public = json!({
        "kty": "EC", "crv": "P-256",
        "x": URL_SAFE_NO_PAD.encode(bytes("cb1bb59942303e4ee93389a0416c3ff4a7f080183f7c33cfc73b2112e9c22e1c")),
        "y": URL_SAFE_NO_PAD.encode(bytes("d577854491cf57fdc69248ba0b4a9abdec1d6dc49f58c06079cf2ca92081179b")),
    });
    let draft = good.header("alg", json!("ES256")).header("jwk", public);
    add("ES256 with the attacker's key in the header", draft.signed(Algorithm::ES256, &theirs));
    add("HS256 header over an ES256 signature", good.signed(Algorithm::ES256, &theirs));
}

/// Signed with the right key, and yet not for this.
fn misused(good: &Draft, add: &mut impl FnMut(&str, String)) {
    let now = good.claims["iat"].as_i64().unwrap();
    for (name, value) in [
        ("aud", json!("refresh")),
        ("aud", json!("reset")),
        ("aud", json!(["refresh", "id"])),
        ("aud", json!("")),
        ("iss", json!("another")),
        ("iss", json!("LUMBUNG")),
        ("exp", json!(now - 3_600)),
        ("exp", json!(0)),
        ("exp", json!(-1)),
        ("exp", json!("tomorrow")),
        ("exp", Value::Null),
        ("nbf", json!(now + 86_400)),
        ("iat", json!(now + 86_400)),
        ("sub", json!("' or '1'='1")),
        ("sub", json!(1)),
        ("sid", json!("../../etc/passwd")),
        ("sid", Value::Null),
    ] {
        add(&format!("{name} = {value}"), good.claim(name, value).signed_by_us());
    }
    for name in ["aud", "iss", "exp", "sub", "sid"] {
        add(&format!("without {name}"), good.without(name).signed_by_us());
    }
    let padded = good.claim("padding", json!("x".repeat(3_000)));
    add("rightly signed, larger than a token ever is", padded.signed_by_us());
}

fn exchanged(john: &Person, jane: &Person, admin: &Person, add: &mut impl FnMut(&str, String)) {
    let good = Draft::of(&jane.token);
    add("another person's session", good.claim("sid", json!(john.session)).signed_by_us());
    add("another person, the own session", good.claim("sub", json!(admin.user)).signed_by_us());
    add("a session that never was", good.claim("sid", json!(Uuid::now_v7())).signed_by_us());
    add("the nil session", good.claim("sid", json!(Uuid::nil())).signed_by_us());
    let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (janes, admins) = (parts(&jane.token), parts(&admin.token));
    add("the admin's claims under jane's signature", format!("{}.{}.{}", janes[0], admins[1], janes[2]));
}

/// A good token, not quite as it was.
fn misspelt(good: &str, add: &mut impl FnMut(&str, String)) {
    let parts: Vec<&str> = good.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("not three parts") };
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    let claims_text = URL_SAFE_NO_PAD.decode(claims).unwrap();
    let padded = URL_SAFE.encode([claims_text.as_slice(), b" "].concat());
    for (name, token) in [
        ("signature cut short", good[..good.len() - 2].to_owned()),
        ("signature of one character", format!("{header}.{claims}.A")),
        ("one bit of the signature", format!("{header}.{claims}.{flipped}{}", &signature[1..])),
        ("signature padded", format!("{good}=")),
        ("signature twice", format!("{good}{signature}")),
        ("claims padded", format!("{header}.{padded}.{signature}")),
        ("a blank inside", format!("{header}. {claims}.{signature}")),
        ("a tab inside", format!("{header}.{claims}.\t{signature}")),
        ("four parts", format!("{good}.{signature}")),
        ("two parts", format!("{header}.{claims}")),
        ("a dot in front", format!(".{good}")),
        ("in quotes", format!("\"{good}\"")),
        ("in upper case", good.to_uppercase()),
        ("two tokens", format!("{good}, {good}")),
        ("percent-encoded", good.replace('.', "%2E")),
        ("only dots", "..".to_owned()),
        ("nothing", String::new()),
        ("a word", "undefined".to_owned()),
        ("JSON", "{\"alg\":\"none\"}".to_owned()),
        ("letters of other scripts", format!("{header}.{claims}.{}", "é".repeat(20))),
        ("a full-width dot", good.replace('.', "\u{ff0e}")),
        ("3,000 letters", "x".repeat(3_000)),
    ] {
        add(name, token);
    }
}

fn wrong_headers(good: &str) -> Vec<Forgery> {
    let basic = STANDARD.encode(format!("john.doe@email.com:{good}"));
    let mut table = vec![
        Forgery::sent("no scheme", &[good]),
        Forgery::sent("no blank", &[&format!("Bearer{good}")]),
        Forgery::sent("scheme Basic", &[&format!("Basic {basic}")]),
        Forgery::sent("scheme Basic, the token", &[&format!("Basic {good}")]),
        Forgery::sent("scheme Token", &[&format!("Token {good}")]),
        Forgery::sent("scheme in lower case, no token", &["bearer"]),
        Forgery::sent("scheme in lower case, a word", &["bearer undefined"]),
        Forgery::sent("two headers, both good", &[&format!("Bearer {good}"), &format!("Bearer {good}")]),
        Forgery::sent("two headers, one good", &["Bearer undefined", &format!("Bearer {good}")]),
        Forgery::sent("an empty header beside a good one", &["", &format!("Bearer {good}")]),
    ];
    // No UTF-8 at all.
    table.push(Forgery {
        name: "bytes that are no text".to_owned(),
        headers: vec![b"Bearer \xff\xfe\xfd".to_vec()],
    });
    table
}
