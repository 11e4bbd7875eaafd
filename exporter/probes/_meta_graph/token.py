"""What Meta reports about a token: is it valid, how long does it live, what may it do.

GET /debug_token answers 200 even for a dead token: the body decides. Meta does not say when it revokes one.
Source: developers.facebook.com/docs/graph-api/reference/debug_token.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from exporter.core.common_metrics import TOKEN_EXPIRY, TOKEN_REFRESHABLE
from exporter.core.document import Document
from exporter.core.metric import Sample
from exporter.core.probe import Kit
from exporter.core.reason import Reason
from exporter.core.secret import Secret
from exporter.core.token import NEVER, MetaExchange
from exporter.probes._meta_graph.errors import codes_of, reason_of, sentence
from exporter.probes._meta_graph.graph import Graph, GraphOptions
from exporter.probes._meta_graph.metrics import GraphMetrics
from exporter.probes._readings import VerdictError

PERIOD = 3600.0
"""Seconds between two inspections of a token."""
PLACE = "debug_token"

StoredAnswer = dict[str, Any]
Wanted = Mapping[str, tuple[str, ...]]
"""Scopes that the integration needs, each with those that include it."""

_ENDS = (("expires_at", "access"), ("data_access_expires_at", "data_access"))


def grant_of(options: GraphOptions) -> MetaExchange | None:
    """Return how the token is exchanged for one that lives longer; None where the app is not known.

    Source: developers.facebook.com/docs/facebook-login/guides/access-tokens/get-long-lived. A token that
    never expires is not exchanged: the inspection says when it expires.
    """
    if not (options.access_token and options.app_id and options.app_secret):
        return None
    url = f"{options.base_url.rstrip('/')}/{options.api_version}/oauth/access_token"
    return MetaExchange(url, options.app_id, options.app_secret, options.access_token, options.tls)


async def current(options: GraphOptions, kit: Kit) -> Secret:
    """Return the token to speak with: the newest one where it is exchanged."""
    grant = grant_of(options)
    if grant is None:
        return options.access_token or Secret("")
    return (await kit.token(grant)).value


def tell(kit: Kit, token: Secret, kept: StoredAnswer) -> None:
    """Report to the token manager when `token` expires, unless `kept` speaks of an earlier one."""
    end = kept.get("access")
    # The stored inspection may be of the token before the last exchange.
    if kept.get("mark") == _mark(token):
        scopes = kept.get("scopes")
        kit.report_token(token, NEVER if end == 0 else end, None if scopes is None else frozenset(scopes))


def _mark(token: Secret) -> str:
    # Two bytes distinguish tokens of one account, and reveal next to nothing of a token.
    return hashlib.blake2b(token.reveal().encode(), digest_size=2).hexdigest()


async def inspect(graph: Graph, token: Secret) -> StoredAnswer:
    """Return what is kept of `token`; a token that is not valid is a ProbeError, with its expiry as a fact.

    The app's own token asks where its id and secret are known, else `token` asks about itself.
    """
    asker = graph.app_token or token
    answer = await graph.get("/debug_token", place=PLACE, token=asker, secrets=(("input_token", token),))
    data = answer.must("data")
    kept = reduce_token(data) | {"mark": _mark(token)}
    if data.flag("is_valid") is False:
        # As facts they outlive the failed run: the expiry may explain why the token is not valid.
        for sample in expiry_samples(kept):
            graph.kit.fact(sample)
        raise _invalid(data)
    return kept


def reduce_token(data: Document) -> StoredAnswer:
    """Return what is kept of the answer's data; what is unknown is None, an expiry of 0 means never."""
    kept: StoredAnswer = {name: _end(data, field) for field, name in _ENDS}
    scopes = data.at("scopes").value
    if isinstance(scopes, list):
        kept["scopes"] = [scope for scope in scopes if isinstance(scope, str)]
    else:
        data.unknown("scopes")
        kept["scopes"] = None
    return kept


def expiry_samples(kept: StoredAnswer) -> Iterator[Sample]:
    """Return when the token and its access to data expire; nothing for one that never does."""
    for _, name in _ENDS:
        if kept.get(name):
            yield TOKEN_EXPIRY(kept[name], token=name)
            yield TOKEN_REFRESHABLE(False, token=name)


def scope_samples(kept: StoredAnswer, wanted: Wanted, metrics: GraphMetrics) -> Iterator[Sample]:
    """Return for each scope wanted whether the token lacks it; nothing where its scopes are unknown."""
    for scope in wanted:
        if (lacks := lacks_scope(kept, scope, wanted)) is not None:
            yield metrics.scope_missing(lacks, scope=scope)


def lacks_scope(kept: StoredAnswer, scope: str, wanted: Wanted) -> bool | None:
    """Return whether the token has neither `scope` nor one that includes it; None if unknown."""
    scopes = kept.get("scopes")
    return None if scopes is None else not {scope, *wanted[scope]} & set(scopes)


def _end(data: Document, field: str) -> float | None:
    # The expiry of the data access is absent for tokens of system users.
    if field != "expires_at" and data.at(field).value is None:
        return None
    value = data.at(field).value
    # False == 0 in Python, and a flag is not a time.
    never = value == 0 and value is not False
    return 0.0 if never else data.moment(field)


def _invalid(data: Document) -> VerdictError:
    found = data.at("error").value
    error = found if isinstance(found, dict) else {}
    code, _ = codes_of(error)
    # debug_token itself answers 200, so the status that a call with this token would get is assumed.
    reason = Reason.AUTH if code is None else reason_of(401, error)
    return VerdictError(reason, f"the token is not valid: {sentence(PLACE, 200, error)}")
