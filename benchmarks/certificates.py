"""An authority of our own and what it signs, for servers on loopback."""

from pathlib import Path

import trustme


def write(folder: Path, *names: str) -> None:
    """Write ca.pem, server.pem (chain and key, for `names`) and stranger.pem (signed by nobody we know)."""
    authority, stranger = (
        trustme.CA(key_type=trustme.KeyType.ECDSA),
        trustme.CA(key_type=trustme.KeyType.ECDSA),
    )
    authority.cert_pem.write_to_path(folder / "ca.pem")
    for who, name in ((authority, "server"), (stranger, "stranger")):
        leaf = who.issue_cert(*names, key_type=trustme.KeyType.ECDSA)
        leaf.private_key_and_cert_chain_pem.write_to_path(folder / f"{name}.pem")
