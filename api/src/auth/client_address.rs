//! Where a request comes from.
//!
//! The peer of the connection; or, if that is one of our proxies, the last address in `X-Forwarded-For` that is none of
//! them. What a client writes there itself stands before it and is never believed.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderName};

use crate::app::App;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Of whom a request is from.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub IpAddr);

/// The networks whose `X-Forwarded-For` is believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    /// How many leading bits an address of it shares.
    bits: u32,
}

/// No address, and no network like `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoNetwork;

impl ClientAddress {
    /// Behind a router without connections, as in some tests, everybody has the same address.
    #[must_use]
    pub fn of(extensions: &Extensions, headers: &HeaderMap, trusted: &TrustedProxies) -> Self {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip());
        let mut client = peer.to_canonical();
        let hops = headers.get_all(X_FORWARDED_FOR).iter().rev();
        let mut hops = hops.flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
        while trusted.contains(client) {
            let Some(hop) = hops.next().and_then(|hop| hop.trim().parse::<IpAddr>().ok()) else { break };
            client = hop.to_canonical();
        }
        Self(client)
    }
}

impl FromRequestParts<Arc<App>> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions, &parts.headers, &app.trusted_proxies))
    }
}

impl TrustedProxies {
    fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        let shift = |width: u32| width - self.bits;
        match (self.address, address) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                (ours.to_bits() ^ theirs.to_bits()).checked_shr(shift(32)).unwrap_or(0) == 0
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                (ours.to_bits() ^ theirs.to_bits()).checked_shr(shift(128)).unwrap_or(0) == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// A comma-separated list.
impl FromStr for TrustedProxies {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| NoNetwork)?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(width), |bits| bits.parse().map_err(|_| NoNetwork))?;
        if bits <= width { Ok(Self { address, bits }) } else { Err(NoNetwork) }
    }
}

impl std::fmt::Display for TrustedProxies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, Network { address, bits }) in self.0.iter().enumerate() {
            write!(f, "{}{address}/{bits}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn client(peer: &str, forwarded: &[&str], trusted: &str) -> String {
        let (mut extensions, mut headers) = (Extensions::new(), HeaderMap::new());
        extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        for value in forwarded {
            headers.append(X_FORWARDED_FOR, value.parse().unwrap());
        }
        ClientAddress::of(&extensions, &headers, &trusted.parse().unwrap()).0.to_string()
    }

    #[test]
    fn only_our_proxies_are_believed() {
        assert_eq!(client("192.0.2.1", &["203.0.113.9"], ""), "192.0.2.1");
        assert_eq!(client("192.0.2.1", &["203.0.113.9"], "10.0.0.0/8"), "192.0.2.1");
        assert_eq!(client("10.1.2.3", &["203.0.113.9"], "10.0.0.0/8"), "203.0.113.9");
        assert_eq!(client("10.1.2.3", &["1.1.1.1, 203.0.113.9, 10.9.9.9"], "10.0.0.0/8"), "203.0.113.9");
        assert_eq!(client("10.1.2.3", &["1.1.1.1", "203.0.113.9"], "10.0.0.0/8"), "203.0.113.9");
        assert_eq!(client("10.1.2.3", &["junk"], "10.0.0.0/8"), "10.1.2.3");
        assert_eq!(client("10.1.2.3", &[], "10.0.0.0/8"), "10.1.2.3");
        assert_eq!(client("::ffff:10.1.2.3", &["2001:db8::1"], "10.1.2.3"), "2001:db8::1");
        assert_eq!(client("fd00::1", &["203.0.113.9"], "fd00::/8"), "203.0.113.9");
        assert_eq!(client("9.9.9.9", &["203.0.113.9"], "0.0.0.0/0"), "203.0.113.9");
    }

    #[test]
    fn what_is_no_network() {
        for text in ["x", "10.0.0.0/33", "10.0.0.0/", "::/129", "10.0.0.0/-1"] {
            assert_eq!(text.parse::<TrustedProxies>(), Err(NoNetwork), "{text}");
        }
        let two: TrustedProxies = " 10.0.0.0/8 , ::1".parse().unwrap();
        assert_eq!(two.to_string(), "10.0.0.0/8,::1/128");
    }
}
