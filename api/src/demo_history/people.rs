//! Who the customers are: names, addresses and numbers of nobody.
//!
//! What could be somebody's is chosen so that it is not: e-mails at example.com (RFC 2606), mobile numbers that begin with 0841, which
//! no operator has, and NIKs of a province 99, which does not exist.

use chrono::{Datelike, NaiveDate};
use lumbung_domain::{Address, Birthdate, Email, Invalid, Nik, PersonName, Phone};

use super::dice::Dice;

/// A customer before anything is sealed.
pub(super) struct Person {
    pub(super) first: PersonName,
    pub(super) last: PersonName,
    pub(super) login: Login,
    pub(super) phone: Phone,
    pub(super) nik: Nik,
    pub(super) birthdate: Birthdate,
    pub(super) address: Address,
}

/// What they log in by.
pub(super) enum Login {
    /// And a password.
    Email(Email),
    /// And a PIN.
    Phone,
}

const FIRST_NAMES: &[&str] = &[
    "Agus", "Ahmad", "Andi", "Asep", "Ayu", "Bambang", "Bayu", "Budi", "Dedi", "Desi", "Dewi", "Dian", "Eko",
    "Euis", "Fajar", "Fatimah", "Fitri", "Galih", "Hendra", "Ida", "Indah", "Joko", "Ketut", "Komang",
    "Lina", "Made", "Maria", "Mega", "Nengah", "Novi", "Nur", "Putri", "Rahmat", "Ratna", "Rina", "Rizki",
    "Siti", "Slamet", "Sri", "Suharti", "Teguh", "Togar", "Tri", "Wahyu", "Wayan", "Yanti", "Yohanes",
    "Yuni", "Yusuf", "Zainal",
];

const LAST_NAMES: &[&str] = &[
    "Anggraini",
    "Firmansyah",
    "Ginting",
    "Gunawan",
    "Hakim",
    "Handayani",
    "Harahap",
    "Hidayat",
    "Hutapea",
    "Iskandar",
    "Kartika",
    "Kurniawan",
    "Kusuma",
    "Lestari",
    "Lubis",
    "Mahendra",
    "Maulana",
    "Nasution",
    "Nugroho",
    "Permata",
    "Prasetyo",
    "Pratama",
    "Purnomo",
    "Puspita",
    "Rahayu",
    "Ramadhan",
    "Safitri",
    "Santoso",
    "Saputra",
    "Setiawan",
    "Siahaan",
    "Simanjuntak",
    "Siregar",
    "Sitompul",
    "Suryadi",
    "Susanto",
    "Utami",
    "Wibowo",
    "Wijaya",
    "Wulandari",
];

/// City and streets, in the order of the branches.
const CITIES: [(&str, &[&str]); 3] = [
    (
        "Jakarta",
        &["Jl. Kebon Sirih", "Jl. Cikini Raya", "Jl. Tebet Barat", "Jl. Pejaten Raya", "Jl. Rawamangun Muka"],
    ),
    (
        "Surabaya",
        &[
            "Jl. Darmo Permai",
            "Jl. Ngagel Jaya",
            "Jl. Kertajaya Indah",
            "Jl. Rungkut Asri",
            "Jl. Manyar Kertoarjo",
        ],
    ),
    ("Bandung", &["Jl. Dago Pojok", "Jl. Cihampelas", "Jl. Buah Batu", "Jl. Setiabudi", "Jl. Sukajadi"]),
];

impl Person {
    /// Customer number `n` of a history that begins on `begins_on`, near the branch at this place of the list.
    pub(super) fn draw(
        dice: &mut Dice,
        n: usize,
        branch: usize,
        begins_on: NaiveDate,
    ) -> Result<Self, Invalid> {
        let (first, last) = (dice.one(FIRST_NAMES), dice.one(LAST_NAMES));
        let (city, streets) = CITIES[branch % CITIES.len()];
        let address = format!("{} No. {}, {city}", dice.one(streets), dice.between(1..=180));
        let age = i32::try_from(dice.between(21..=58)).unwrap_or(30);
        let (month, day) = (dice.between(1..=12), dice.between(1..=28));
        let born_on = begins_on
            .with_day(u32::try_from(day).unwrap_or(1))
            .and_then(|date| date.with_month(u32::try_from(month).unwrap_or(1)))
            .and_then(|date| date.with_year(begins_on.year() - age))
            .unwrap_or_default();
        let by_email = dice.chance(550);
        Ok(Self {
            first: PersonName::new(first)?,
            last: PersonName::new(last)?,
            login: if by_email {
                let text = format!("{first}.{last}.{n}@example.com").to_lowercase();
                Login::Email(Email::new(&text)?)
            } else {
                Login::Phone
            },
            phone: Phone::mobile(&format!("0841{:07}", 2_000_000 + n))?,
            nik: Nik::new(&format!(
                "99{:02}{:02}{}{:04}",
                10 + branch,
                1 + n % 40,
                born_on.format("%d%m%y"),
                n % 10_000
            ))?,
            birthdate: Birthdate::new(born_on)?,
            address: Address::new(&address)?,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn everybody_is_valid_and_has_a_login_of_their_own() {
        let begins_on = NaiveDate::from_ymd_opt(2024, 2, 29).unwrap();
        let mut logins = HashSet::new();
        for n in 0..10_000 {
            let person = Person::draw(&mut Dice::of(7, "customer", n as u64), n, n % 3, begins_on).unwrap();
            let login = match &person.login {
                Login::Email(email) => email.login_key(),
                Login::Phone => person.phone.as_e164().to_owned(),
            };
            assert!(logins.insert(login), "{n}");
        }
    }
}
