"""The options of the provider `postgres`."""

from typing import Annotated, Self

import msgspec
from msgspec import Meta

from exporter.core.hosts import ascii_host
from exporter.core.options import PER_TENANT, Options, steers
from exporter.core.secret import Secret

MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


class PostgresOptions(Options, frozen=True):
    """Where the database is and who we are; other options override what `url` says."""

    url: Annotated[
        Secret | None,
        Meta(description="Connection string, postgresql://user:password@host/database?sslmode=verify-full."),
    ] = None
    host: Annotated[str, Meta(description="Host name, address, or folder of the server's socket.")] = ""
    port: Annotated[int, Meta(ge=0, le=65_535, description="Port; 0 is 5432, or that of `url`.")] = 0
    database: Annotated[
        str, PER_TENANT, Meta(description="Database to look at; empty for the one named like the user.")
    ] = ""
    user: Annotated[
        str,
        steers("password"),
        Meta(description="Role to sign in as, postgres by default; it needs pg_monitor."),
    ] = ""
    password: Annotated[Secret | None, PER_TENANT, Meta(description="Password of the role.")] = None
    sslmode: Annotated[
        str,
        Meta(
            pattern=f"^({'|'.join(MODES)})?$",
            description="How TLS is used, as libpq does: disable, allow, prefer (default), require, "
            "verify-ca or verify-full. Only the last two know whom they talk to.",
        ),
    ] = ""
    sslrootcert: Annotated[
        str, Meta(description="PEM file of the authorities to trust, for verify-ca and verify-full.")
    ] = ""

    def trusting(self, ca_file: str) -> Self:
        """Return the options with `ca_file` as `sslrootcert`, where the server is verified and none is named.

        In its other modes libpq would begin to verify, and with prefer go on without TLS.
        """
        # Here, because psycopg takes longer to load than --help may.
        from psycopg import Error
        from psycopg.conninfo import conninfo_to_dict

        try:
            given = conninfo_to_dict(self.url.reveal()) if self.url else {}
        except Error:
            return self  # reported when the options are verified
        verified = (self.sslmode or given.get("sslmode")) in ("verify-ca", "verify-full")
        if not verified or self.sslrootcert or given.get("sslrootcert"):
            return self
        return msgspec.structs.replace(self, sslrootcert=ca_file)


def ascii_hosts(text: str) -> str:
    """Return libpq's parameter `host`, one name or several behind commas, in ASCII.

    libpq maps no international names, and compares the certificate with what it is given. Raises ValueError,
    with what is wrong and its remedy.
    """
    try:
        return ",".join(host if _stays(host) else ascii_host(host) for host in text.split(","))
    except ValueError as error:
        remedy = "write a host name, an address, or the folder of the server's socket"
        raise ValueError(f"{error}; {remedy}") from None


def _stays(host: str) -> bool:
    """Return whether `host` is the folder of a socket, an abstract socket, or libpq's own default."""
    return not host or host.startswith(("/", "@"))
