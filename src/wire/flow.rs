//! A flow: where a message came from and an answer goes.

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

/// The transport of a message (RFC 3261 §18).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Datagrams: unreliable, one message each.
    Udp,
    /// A stream, framed by `Content-Length`.
    Tcp,
    /// A stream inside TLS.
    Tls,
}

impl Transport {
    /// Whether the transport delivers by itself, so that nothing is sent twice (RFC 3261 §17.1.2.2).
    pub const fn is_reliable(self) -> bool {
        match self {
            Transport::Udp => false,
            Transport::Tcp | Transport::Tls => true,
        }
    }

    /// The port of a URI that names none (RFC 3261 §19.1.2).
    pub const fn default_port(self) -> u16 {
        match self {
            Transport::Udp | Transport::Tcp => 5_060,
            Transport::Tls => 5_061,
        }
    }

    /// The name in a Via (RFC 3261 §20.42).
    pub const fn name(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
            Transport::Tls => "TLS",
        }
    }
}

/// Both ends of a message's way: an answer to a message leaves on the flow the message came on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// How it travels.
    pub transport: Transport,
    /// Our own address as the peer sees it; what a Via or Contact of ours names.
    pub local: SocketAddr,
    /// The peer's address.
    pub remote: SocketAddr,
    /// Which connection, for a stream; never used twice. 0 for datagrams, and for a message to send on whichever
    /// connection of ours leads to `remote`, opened for it if there is none.
    pub connection: u32,
}

impl Flow {
    /// From nobody to nobody; every byte is zero.
    pub const NOWHERE: Flow = {
        let nobody = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0));
        Flow::udp(nobody, nobody)
    };

    /// A flow through the TCP connection of that number, or with 0 through whichever there is.
    pub const fn tcp(local: SocketAddr, remote: SocketAddr, connection: u32) -> Flow {
        Flow {
            transport: Transport::Tcp,
            local,
            remote,
            connection,
        }
    }

    /// A datagram flow between two addresses.
    pub const fn udp(local: SocketAddr, remote: SocketAddr) -> Flow {
        Flow {
            transport: Transport::Udp,
            local,
            remote,
            connection: 0,
        }
    }
}

/// How a stream ended, or why it never was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was there, and either side closed it or the network lost it.
    Closed,
    /// Nobody takes connections there, or there is no way there (RST or ICMP, RFC 3261 §18.4).
    Refused,
    /// The attempt got no answer in time; or, on what was there, a ping did not (RFC 5626 §4.4.1).
    Silent,
    /// TLS came to nothing: nothing was said to who is there.
    Untrusted(Mistrust),
}

/// Why a peer is not spoken to inside TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistrust {
    /// Its certificate has expired.
    Expired,
    /// Its certificate is not valid yet.
    Early,
    /// The same, by a clock that was never set.
    Clock,
    /// Its certificate is for others (RFC 5922 §7.3).
    Name,
    /// Nobody whom we trust has signed its certificate.
    Authority,
    /// It has another certificate than the one that it is known by.
    Pin,
    /// Its certificate is none that can be used.
    Bad,
    /// It takes no certificate that we show, or none at all.
    Ours,
    /// It speaks no TLS that we speak.
    Speech,
    /// We have no TLS.
    Absent,
}

impl Mistrust {
    /// All of them.
    pub const ALL: [Mistrust; 10] = [
        Mistrust::Expired,
        Mistrust::Early,
        Mistrust::Clock,
        Mistrust::Name,
        Mistrust::Authority,
        Mistrust::Pin,
        Mistrust::Bad,
        Mistrust::Ours,
        Mistrust::Speech,
        Mistrust::Absent,
    ];

    /// What is wrong, in a few words.
    pub const fn why(self) -> &'static str {
        match self {
            Mistrust::Expired => "its certificate has expired",
            Mistrust::Early => "its certificate is not valid yet",
            Mistrust::Clock => "its certificate is not valid yet, by a clock that was never set",
            Mistrust::Name => "its certificate is for another name",
            Mistrust::Authority => "its certificate is signed by nobody we trust",
            Mistrust::Pin => "its certificate is not the pinned one",
            Mistrust::Bad => "its certificate cannot be used",
            Mistrust::Ours => "it takes no certificate of ours, or wants one",
            Mistrust::Speech => "it does not speak TLS 1.2 or 1.3",
            Mistrust::Absent => "there is no TLS here",
        }
    }

    /// What to do about it.
    pub const fn remedy(self) -> &'static str {
        match self {
            Mistrust::Expired => "renew it there; or set the clock here, if it is wrong",
            Mistrust::Early => "set the clock, here or where the certificate was made",
            Mistrust::Clock => {
                "set the clock, by hand or by NTP; or pin the certificate, which needs no clock"
            }
            Mistrust::Name => {
                "name the server as its certificate does, or give it one for the name it has here"
            }
            Mistrust::Authority => {
                "name its authority's certificate: authorities in [tls]; or pin its own: pins"
            }
            Mistrust::Pin => "if the server has a new certificate, change pins in [tls]",
            Mistrust::Bad => "give it another: lampfield certificate new NAME",
            Mistrust::Ours => "name one that it takes: certificate and key in [tls]",
            Mistrust::Speech => "name the port on which it speaks TLS: 5061, usually",
            Mistrust::Absent => "take a program that was built with TLS",
        }
    }
}
