//! Presence documents: PIDF with RPID (RFC 3863, 4479, 4480) and dialog information (RFC 4235).
