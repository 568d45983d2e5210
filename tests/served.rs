//! The real binary, served from a data folder of its own and spoken to over HTTP. Whatever a test starts is killed when
//! the test lets go of it, however it ends.

// Every topic uses another part of it.
#![allow(dead_code)]

pub(crate) mod folder;
pub(crate) mod http;
pub(crate) mod people;
pub(crate) mod server;
pub(crate) mod shape;

pub(crate) use folder::Folder;
pub(crate) use http::{Http, Request, Told};
pub(crate) use server::Server;
