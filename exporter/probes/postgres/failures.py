"""From a failure of PostgreSQL to a reason. Messages are never repeated: they may hold what we sent.

SQLSTATE codes are those of appendix A of PostgreSQL's documentation.
"""

import re

from exporter.core.errors import ProbeError
from exporter.core.reason import Reason

_STATES = {
    "28P01": (Reason.AUTH, "the password is wrong"),
    "28000": (Reason.AUTH, "the user may not sign in from here, or not in this way (pg_hba.conf)"),
    "3D000": (Reason.NOT_FOUND, "there is no such database"),
    "42501": (Reason.PERMISSION, "the role lacks a permission; grant it pg_monitor"),
    "53300": (Reason.QUOTA, "all connections are taken"),
    "53400": (Reason.QUOTA, "a limit of its configuration is reached"),
    "55000": (Reason.VENDOR_ERROR, "the database takes no connections (ALLOW_CONNECTIONS is off)"),
    "57014": (Reason.TIMEOUT, "a statement took too long and was stopped"),
    "55P03": (Reason.TIMEOUT, "a lock was not to be had in time"),
    "57P03": (Reason.VENDOR_ERROR, "the server is starting up, shutting down or recovering"),
    "08P01": (Reason.VENDOR_ERROR, "the server or a pooler before it broke the protocol"),
}
# By the first two characters: a code that is not listed has the meaning of its class.
_CLASSES = {
    "08": (Reason.CONNECT, "the connection failed"),
    "28": (Reason.AUTH, "the credential was refused"),
    "53": (Reason.VENDOR_ERROR, "the server is short of memory, disk or another resource"),
    "57": (Reason.VENDOR_ERROR, "an operator or the server itself ended the connection"),
    "58": (Reason.VENDOR_ERROR, "the server's machine failed"),
    "F0": (Reason.VENDOR_ERROR, "the server's configuration is broken"),
    "XX": (Reason.VENDOR_ERROR, "the server failed inside"),
}
# What poolers and hosts of databases refuse with a code that says little (PgBouncer: always 08P01), by the
# words of PgBouncer's, Supavisor's and Neon's sources.
_POOLERS = (
    (r"query_wait_timeout", Reason.QUOTA, "all connections of the pooler are taken"),
    (
        r"no more connections allowed|[Mm]ax client connections reached|MaxClients|pool_?size reached",
        Reason.QUOTA,
        "the pooler takes no more clients",
    ),
    (
        r"compute time quota|exceeded the .{0,20}quota",
        Reason.QUOTA,
        "the allowance of the project is used up",
    ),
    # Neon's proxy (proxy/src/control_plane/errors.rs): it opens no more sessions at one time.
    (
        r"[Tt]oo many (connections|database connection) attempts|[Ff]ailed to acquire permit to connect",
        Reason.RATE_LIMITED,
        "too many attempts to connect at one time",
    ),
    (
        r"([Cc]ontrol plane|[Cc]onsole) request failed|[Cc]ouldn't connect to compute node",
        Reason.VENDOR_ERROR,
        "its host cannot reach or start the database",
    ),
    (
        r"server_login_retry|server login has been failing",
        Reason.VENDOR_ERROR,
        "the pooler cannot sign in to its database",
    ),
    (r"endpoint (has been|is) disabled", Reason.VENDOR_ERROR, "the database is switched off at its host"),
    (r"[Tt]enant or user not found", Reason.NOT_FOUND, "the pooler knows no such project or user"),
    (r"no such database", Reason.NOT_FOUND, "the pooler knows no such database"),
    (r"no such user", Reason.AUTH, "the pooler knows no such user"),
    (
        r"statement pooling mode",
        Reason.BAD_RESPONSE,
        "this pooler cannot run our transaction: use its transaction or session pool",
    ),
    (r"invalid command '", Reason.BAD_RESPONSE, "this is the pooler's console; name a database behind it"),
    (
        r"unsupported startup parameter|unrecognized configuration parameter|invalid value for parameter",
        Reason.BAD_RESPONSE,
        "it refuses a parameter of the connection string, such as `options`",
    ),
)
# libpq has no codes for failed connections, only texts: these are the English ones.
_TEXTS = (
    (r"password authentication failed|no password supplied|authentication failed", "28P01"),
    (r"role \"[^\"]*\" (does not exist|is not permitted)|pg_hba\.conf", "28000"),
    (r"database \"[^\"]*\" does not exist", "3D000"),
    (r"permission denied for database", "42501"),
    (r"too many (clients|connections)|remaining connection slots", "53300"),
    (r"is not currently accepting connections", "55000"),
    (r"the database system is|not (yet )?accepting connections", "57P03"),
    (r"terminating connection", "57P01"),
)
# A server refuses in its own language: "password" in those that PostgreSQL is translated to.
_PASSWORD = re.compile(
    "passwor[dt]|mot de passe|contrase|senha|парол|has[łl]|heslem|l.senord|şifre|parola|"
    "パスワード|패스워드|비밀번호|密码|密碼",
    re.IGNORECASE,
)
_TLS = re.compile(r"certificate|\bSSL\b|\bTLS\b|sslmode|sslrootcert", re.IGNORECASE)
_CUT = re.compile(
    r"closed the connection|connection refused|reset by peer|could not (connect|receive|send)|"
    r"server closed|lost synchronization|connection is (bad|closed)|broken pipe|eof detected",
    re.IGNORECASE,
)


def of_state(state: str) -> ProbeError:
    """Return what a SQLSTATE of five characters means."""
    fallback = (Reason.BAD_RESPONSE, "the server does not know what we asked for")
    reason, words = _STATES.get(state) or _CLASSES.get(state[:2]) or fallback
    # It comes from the server: only what looks like a code is repeated.
    shown = state if re.fullmatch("[0-9A-Z]{5}", state) else "an odd code"
    return ProbeError(reason, f"the server answered {shown}: {words}")


def of_error(state: str, text: str) -> ProbeError:
    """Return what an error of an open session means: by its code, or by `text` where a pooler says 08P01."""
    known = _of_pooler(text) if state == "08P01" else None
    return known or of_state(state)


def speaks_of_password(text: str) -> bool:
    """Return whether a refusal, in whatever language, is about the password."""
    return _PASSWORD.search(text) is not None


def of_text(text: str) -> ProbeError | None:
    """Return what libpq's text on a failed connection means, None where it says nothing that we know."""
    if (known := _of_pooler(text)) is not None:
        return known
    for pattern, state in _TEXTS:
        if re.search(pattern, text):
            return of_state(state)
    # Before `_TLS`, whose words are in these texts, too.
    if "root certificate file" in text and "does not exist" in text:
        words = "no root certificate to verify the server by; set sslrootcert to a file, or to system"
        return ProbeError(Reason.TLS, words)
    if "certificate verify failed" in text:
        return ProbeError(Reason.TLS, "the server's certificate is from an unknown authority or has expired")
    if "does not match host name" in text:
        return ProbeError(Reason.TLS, "the server's certificate is for another host name")
    if _TLS.search(text):
        return ProbeError(Reason.TLS, "TLS failed, or sslmode and what the server offers do not fit")
    if _CUT.search(text):
        return ProbeError(Reason.CONNECT, "the server closed the connection")
    return None


def _of_pooler(text: str) -> ProbeError | None:
    for pattern, reason, words in _POOLERS:
        if re.search(pattern, text):
            return ProbeError(reason, f"the server refused the session: {words}")
    return None
