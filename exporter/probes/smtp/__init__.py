"""Can mail be handed in? Connects, greets, starts TLS, signs in, asks for nothing and says goodbye.

Permission: none but the account whose credential is given; without one it stops before signing in. No mail
is sent and no recipient is named, so neither reputation nor quota suffers. Each probe opens a new
connection, and each step is a phase of `integration_probe_phase_duration_seconds`: resolve, connect, tls (at
once or after STARTTLS), banner, ehlo (both greetings together), starttls, auth, noop (with the goodbye). The
password goes out over TLS alone, unless `security: none` is written and the server is on this machine or
`allow_plain_auth` is set. The certificate's expiry is exported also where it is refused. We sign in by PLAIN
or LOGIN.
"""

import asyncio
import base64
import ipaddress
from collections.abc import Iterable, Iterator
from typing import Annotated

from msgspec import Meta

from exporter.core.common_metrics import PHASE_DURATION, SCHEDULE
from exporter.core.errors import ProbeError
from exporter.core.metric import Metric, Sample
from exporter.core.network import DEFAULT_TLS, Talk
from exporter.core.options import PER_TENANT, Options, TlsOptions, steers
from exporter.core.panel import Panel
from exporter.core.probe import Kit, Probe, Target, never
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.probes._host import Family, host_mistakes
from exporter.probes._panels import MATCHERS
from exporter.probes.smtp.reply import Reply, refusal

__all__ = ["PROBE", "check"]

GOODBYE = 0.5
"""Seconds that the server is given to answer QUIT."""
GREETING = 0.9
"""Share of the timeout that the greeting may take, with all that comes before it."""
NAME_REFUSED = (501, 504, 553)
"""Codes by which servers refuse the name in EHLO: invalid, not qualified, not allowed (RFC 5321)."""
POLICY = (450, 550, 554)
"""Codes of any policy of a server: its words say whether it is about the name."""
PORTS = {"": 587, "starttls": 587, "tls": 465, "none": 25}
TLS_PORTS = (465, 2465)
"""Ports on which TLS begins at once by custom (RFC 8314)."""
MECHANISMS = ("plain", "login", "cram-md5", "xoauth2", "oauthbearer", "scram-sha-1", "scram-sha-256")
"""Ways to sign in that have a label of their own; the rest are `other`."""

SIZE = Metric(
    "integration_smtp_message_size_limit_bytes",
    "Longest message that the server takes; absent where it states no limit." + SCHEDULE,
    unit="bytes",
)
AUTH_OFFERED = Metric(
    "integration_smtp_auth_offered",
    "Ways to sign in that the server offers after TLS, where TLS is used; always 1." + SCHEDULE,
    labels=("mechanism",),
)
EXTENSIONS = Metric("integration_smtp_extensions", "Extensions that the server offers." + SCHEDULE)


class SmtpOptions(Options, frozen=True):
    """Where the mail server is and who we are."""

    host: Annotated[str, Meta(description="Host name or address.")] = ""
    port: Annotated[
        int, Meta(ge=0, le=65_535, description="TCP port; 0 is 587 for starttls, 465 for tls, 25 for none.")
    ] = 0
    security: Annotated[
        str,
        Meta(
            pattern="^(starttls|tls|none)?$",
            description="starttls begins unencrypted and demands TLS, tls begins with it, none does without; "
            "empty is tls on port 465 and 2465, else starttls.",
        ),
    ] = ""
    username: Annotated[
        str, steers("password"), Meta(description="User to sign in as; empty not to sign in.")
    ] = ""
    password: Annotated[Secret | None, PER_TENANT, Meta(description="Password or API key.")] = None
    allow_plain_auth: Annotated[
        bool, Meta(description="Send the password unencrypted to another machine, with security none.")
    ] = False
    ehlo: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9.:\[\]-]{0,255}$",
            description="Name to greet with; empty for our own address.",
        ),
    ] = ""
    tls: Annotated[TlsOptions, Meta(description="How the server's certificate is judged.")] = DEFAULT_TLS
    family: Family = "any"


async def check(target: Target, kit: Kit) -> Iterable[Sample]:
    """Go through the whole dialogue; each refusal is a ProbeError with the meaning of its code."""
    options: SmtpOptions = target.options
    if bool(options.username) != bool(options.password):
        lacks = "password" if options.username else "username"
        raise ProbeError(Reason.NOT_CONFIGURED, f"no {lacks} is configured beside the other")
    port = options.port or PORTS[options.security]
    security = options.security or ("tls" if port in TLS_PORTS else "starttls")
    tls = options.tls if security == "tls" else None
    # A little before the run's own end, so that there is time to say what was missed.
    patience = asyncio.get_running_loop().time() + target.timeout * GREETING
    async with kit.talk(options.host, port, tls=tls, family=options.family) as talk:
        try:
            async with asyncio.timeout_at(patience):
                await _greeting(talk)
        except TimeoutError:
            hint = "" if tls else "; perhaps the port begins with TLS (security: tls)"
            raise ProbeError(Reason.TIMEOUT, f"the server sent no greeting{hint}") from None
        kit.log("the server greets")
        offers = await _ehlo(talk, options)
        kit.log(f"it offers {len(offers)} extensions")
        if security == "starttls":
            await _starttls(talk, options, offers)
            # What was said before TLS may be an attacker's (RFC 3207, section 4.2).
            offers = await _ehlo(talk, options)
            kit.log(f"within TLS it offers {len(offers)} extensions")
        if options.username:
            await _sign_in(talk, options, offers)
            kit.log("signed in")
        # It shows that the session works after signing in, and changes nothing.
        await _say(talk, b"NOOP", 250, "NOOP", "noop")
        await _quit(talk, kit)
    return tuple(_samples(offers))


async def _greeting(talk: Talk) -> None:
    reply = Reply()
    await talk.ask(b"", reply, "banner", "the greeting")
    if reply.code != 220:
        raise refusal(reply, "the greeting", secured=talk.secured)


async def _ehlo(talk: Talk, options: SmtpOptions) -> dict[str, str]:
    """Return the extensions that the server offers: name in lower case to its parameters."""
    name = options.ehlo or _literal(talk.local)
    reply = Reply()
    await talk.ask(f"EHLO {name}\r\n".encode(), reply, "ehlo", "the reply to EHLO")
    if reply.code != 250:
        if reply.code in NAME_REFUSED or (reply.code in POLICY and reply.speaks_of("helo")):
            words = f"it refuses the name we greet with ({name}); set `ehlo`"
            raise ProbeError(Reason.BAD_RESPONSE, f"the server answered {reply.codes} to EHLO: {words}")
        raise refusal(reply, "EHLO", secured=talk.secured)
    # Old servers write AUTH=LOGIN in place of AUTH LOGIN.
    pairs = (line.strip().lower().replace("auth=", "auth ", 1).partition(" ") for line in reply.lines[1:])
    return {name: parameters for name, _, parameters in pairs if name}


async def _starttls(talk: Talk, options: SmtpOptions, offers: dict[str, str]) -> None:
    if "starttls" not in offers:
        raise ProbeError(
            Reason.TLS,
            "the server does not offer STARTTLS; nothing was sent that an eavesdropper may not read",
        )

    # Where the certificate is refused, a second connection is led to the same point to read it.
    async def again(second: Talk) -> None:
        await _greeting(second)
        await _ehlo(second, options)
        await _say(second, b"STARTTLS", 220, "STARTTLS", "starttls")

    await _say(talk, b"STARTTLS", 220, "STARTTLS", "starttls")
    await talk.secure(options.tls, again)


async def _sign_in(talk: Talk, options: SmtpOptions, offers: dict[str, str]) -> None:
    if not talk.secured and not options.allow_plain_auth and not _on_this_machine(talk.place):
        raise ProbeError(
            Reason.NOT_CONFIGURED,
            "the password is not sent unencrypted to another machine; use starttls, tls or allow_plain_auth",
        )
    user, password = options.username, options.password.reveal() if options.password else ""
    offered = offers.get("auth", "").split()
    # PLAIN first: it takes one round trip, and LOGIN was never standardized.
    if "plain" in offered:
        await _say(talk, b"AUTH PLAIN " + _base64(f"\0{user}\0{password}"), 235, "AUTH", "auth")
    elif "login" in offered:
        await _say(talk, b"AUTH LOGIN", 334, "AUTH", "auth")
        await _say(talk, _base64(user), 334, "AUTH", "auth")
        await _say(talk, _base64(password), 235, "AUTH", "auth")
    else:
        what = "neither PLAIN nor LOGIN" if offered else "no way"
        raise ProbeError(Reason.AUTH, f"the server offers {what} to sign in")


async def _quit(talk: Talk, kit: Kit) -> None:
    """Say goodbye; whether the server answers politely, or at all, changes nothing."""
    try:
        async with asyncio.timeout(GOODBYE):
            await talk.ask(b"QUIT\r\n", Reply(), "noop", "the reply to QUIT")
    except (ProbeError, TimeoutError) as error:
        kit.log(f"no goodbye: {error}")


async def _say(talk: Talk, command: bytes, wanted: int, stage: str, phase: str) -> Reply:
    reply = Reply()
    await talk.ask(command + b"\r\n", reply, phase, f"the reply to {stage}")
    if reply.code != wanted:
        raise refusal(reply, stage, secured=talk.secured)
    return reply


def _samples(offers: dict[str, str]) -> Iterator[Sample]:
    yield EXTENSIONS(len(offers))
    size = offers.get("size", "")
    if size.isascii() and size.isdigit() and len(size) < 20 and int(size):  # 0 is "no limit" (RFC 1870)
        yield SIZE(int(size))
    ways = {way if way in MECHANISMS else "other" for way in offers.get("auth", "").split()}
    yield from (AUTH_OFFERED(1, mechanism=way) for way in sorted(ways))


def _base64(text: str) -> bytes:
    return base64.b64encode(text.encode())


def _literal(address: str) -> str:
    """Return an address as a greeting writes it (RFC 5321, section 4.1.3)."""
    # The zone of a link-local address has a meaning on this machine alone.
    plain = address.partition("%")[0] or "127.0.0.1"
    return f"[IPv6:{plain}]" if ":" in plain else f"[{plain}]"


def _on_this_machine(place: str) -> bool:
    return ipaddress.ip_address(place.rpartition(":")[0].strip("[]").partition("%")[0]).is_loopback


def _mistakes(options: SmtpOptions) -> list[str]:
    return host_mistakes(options.host) if options.host else []  # "" is not configured yet


PANELS = (
    Panel(
        "Steps of the mail dialogue",
        "How long each step with the mail server took: banner, ehlo, starttls, auth and noop are its own.",
        f'max by (integration, tenant, phase) ({PHASE_DURATION}{{provider="smtp",{MATCHERS}}})',
        unit="s",
        legend="{{integration}} {{tenant}} {{phase}}",
    ),
)

PROBE = Probe(
    name="smtp",
    title="Mail server",
    options=SmtpOptions,
    check=check,
    metrics=(SIZE, AUTH_OFFERED, EXTENSIONS),
    panels=PANELS,
    needs=("host",),
    interval=60.0,
    timeout=10.0,
    generic=True,
    drifts=never,
    environment={
        "host": ("SMTP_HOST",),
        "port": ("SMTP_PORT",),
        "username": ("SMTP_USER",),
        "password": ("SMTP_PASS",),
    },
    verify=_mistakes,
)
