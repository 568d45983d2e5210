//! The members of a JSON object, and which of them stand in it twice.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// So much of the name of a member is told: what is sent must not grow with what came.
const LONGEST_NAME: usize = 100;

/// The members of an object. Which of two was meant by a client that names one twice is nobody's to guess (RFC 8259 §4).
pub(super) struct Members<'a> {
    pub(super) values: BTreeMap<String, &'a RawValue>,
    pub(super) twice: BTreeSet<String>,
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading;

        impl<'de> Visitor<'de> for Reading {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Members { values: BTreeMap::new(), twice: BTreeSet::new() };
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    match members.values.entry(name) {
                        Entry::Vacant(free) => {
                            free.insert(value);
                        }
                        Entry::Occupied(taken) => {
                            members.twice.insert(taken.key().chars().take(LONGEST_NAME).collect());
                        }
                    }
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(Reading)
    }
}
