//! People whose every value can be told from everybody else's.

use serde_json::{Value, json};

use super::scan::Needles;
use crate::golden::form::{jpeg, pdf, png};

/// How many there are.
pub(super) const PEOPLE: usize = 20;

/// Somebody to look for.
pub(super) struct Planted {
    pub(super) number: usize,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) nik: String,
    pub(super) birthdate: String,
    pub(super) phone: String,
    pub(super) address: String,
    /// To log in by, on an account of its own.
    pub(super) login_phone: String,
    /// Too short to be looked for alone.
    pub(super) pin: String,
    /// First and last; the account's next.
    pub(super) wallet_names: [String; 4],
    pub(super) password: String,
    pub(super) next_password: String,
    pub(super) wrong_password: String,
    /// Of an approval, a rejection, a cancellation.
    pub(super) notes: [String; 3],
    /// KTP, KK, NPWP.
    pub(super) files: [Vec<u8>; 3],
    /// What can be read in them.
    texts: [String; 3],
    pub(super) agent: String,
}

impl Planted {
    pub(super) fn new(number: usize) -> Self {
        // Letters that occur nowhere else, and tell one person from another.
        let mark: String = [number / 5, number % 5]
            .iter()
            .map(|digit| ["qaz", "wyx", "vbk", "zuj", "xoq"][*digit % 5])
            .collect();
        let text = |kind: &str| format!("{kind}-scan-of-{mark}-{number:02}");
        Self {
            number,
            name: format!("Dewi{mark} Kartika{mark}"),
            email: format!("dewi.{mark}@planted-mail.example"),
            nik: format!("317{number:02}48261{number:02}7395"),
            birthdate: format!("19{}-0{}-1{}", 41 + number, 1 + number % 9, number % 10),
            phone: format!("0813957{number:02}268"),
            address: format!("Jalan Kenanga{mark} No. {number}, Salatiga"),
            login_phone: format!("0815246{number:02}973"),
            pin: format!("7{number:02}395"),
            wallet_names: ["Ratna", "Wulan", "Sekar", "Melati"].map(|name| format!("{name}{mark}{mark}")),
            password: format!("first-{mark}-password"),
            next_password: format!("second-{mark}-password"),
            wrong_password: format!("wrong-{mark}-password"),
            notes: ["approved", "rejected", "cancelled"]
                .map(|what| format!("{what} because of {mark} and her shop")),
            files: [jpeg(&text("ktp")), png(&text("kk")), pdf(&text("npwp"))],
            texts: ["ktp", "kk", "npwp"].map(text),
            agent: format!("Browser-{mark}/1.{number}"),
        }
    }

    pub(super) fn profile(&self) -> Value {
        json!({"nik": self.nik, "birthdate": self.birthdate, "phone": self.phone, "address": self.address})
    }

    /// Everything that must not be found anywhere.
    pub(super) fn hide_in(&self, needles: &mut Needles) {
        let whose = |what: &str| format!("{what} of person {}", self.number);
        for (what, text) in [
            ("name", &self.name),
            ("e-mail", &self.email),
            ("NIK", &self.nik),
            ("birthdate", &self.birthdate),
            ("phone", &self.phone),
            ("phone, international", &self.phone.replacen('0', "62", 1)),
            ("login phone", &self.login_phone),
            ("login phone, international", &self.login_phone.replacen('0', "62", 1)),
            ("PIN in a body", &format!("\"pin\":\"{}\"", self.pin)),
            ("address", &self.address),
            ("password", &self.password),
            ("next password", &self.next_password),
            ("wrong password", &self.wrong_password),
            ("user agent", &self.agent),
        ] {
            needles.add(&whose(what), text);
        }
        // A part of it is as bad as the whole.
        needles.add(&whose("first name"), self.name.split(' ').next().unwrap());
        needles.add(&whose("mailbox"), self.email.split('@').next().unwrap());
        for name in &self.wallet_names {
            needles.add(&whose("name in the wallet"), name);
        }
        for note in &self.notes {
            needles.add(&whose("note"), note);
        }
        for text in &self.texts {
            needles.add(&whose("text in a file"), text);
        }
    }
}
