"""What payments, page views, widgets and sign-ins come to, as apps report them."""

from collections import Counter
from collections.abc import Callable, Mapping

from aiohttp import web

from exporter.core.event_summary import COUNTRY, PAYMENT, SIGN_IN, TRAFFIC, WIDGET, EventStatistic
from exporter.server.event_reader import (
    EventReader,
    EventStatistics,
    Figures,
    answer,
    beside,
    money,
    ratio,
    rows_of,
    total,
)
from exporter.server.handlers.api_health import percentiles

FAILED = ("failed", "declined", "timeout")
DECLINED = "declined"
LOADS = ("", "load_error", "timeout")
CLIENTS = ("human", "bot", "suspicious")


async def payments(request: web.Request) -> web.Response:
    """Answer what became of payments, declines by family, and volume by currency."""
    return await answer(request, (PAYMENT,), _payments)


async def traffic(request: web.Request) -> web.Response:
    """Answer page views by client, country and route."""
    return await answer(request, (TRAFFIC, COUNTRY), _traffic)


async def widgets(request: web.Request) -> web.Response:
    """Answer loads, failures and how long loads took, by widget and release."""
    return await answer(request, (WIDGET,), _widgets)


async def sign_ins(request: web.Request) -> web.Response:
    """Answer attempts to sign in by method and country."""
    return await answer(request, (SIGN_IN,), _sign_ins)


def _windows(
    reader: EventReader, topic: str, figures: Callable[[EventStatistic], Figures]
) -> dict[str, Figures]:
    found = reader.windows(topic)
    return {
        name: span | beside(figures, total(found[name].now), total(found[name].before))
        for name, span in reader.spans().items()
    }


def _payments(reader: EventReader) -> Figures:
    families, currencies = reader.compare(PAYMENT, "variant"), reader.compare(PAYMENT, "name")
    declined = {
        part: sum(one.outcomes[DECLINED] for one in found.values())
        for part, found in zip(("now", "before"), families, strict=True)
    }
    declines = [
        {
            "family": family,
            **_decline(one, declined["now"]),
            "before": _decline(families.before[family,], declined["before"])
            if (family,) in families.before
            else None,
        }
        for (family,), one in families.now.items()
        if one.outcomes[DECLINED]
    ]
    volume = [row for row in rows_of(("currency",), currencies, _volume) if row["payments"]]
    return {
        "windows": _windows(reader, PAYMENT, payment_figures),
        "declines": sorted(declines, key=lambda row: (-row["declines"], row["family"])),
        "volume": sorted(volume, key=lambda row: (-row["amount"], row["currency"]))[: reader.question.limit],
    }


def payment_figures(found: EventStatistic) -> Figures:
    """Return what became of payments; disputes and fraud warnings are of payments that succeeded before."""
    failed = {name: found.outcomes[name] for name in FAILED if found.outcomes[name]}
    tried = found.outcomes[""] + sum(failed.values())
    return {
        "payments": tried,
        "succeeded": found.outcomes[""],
        "success_ratio": ratio(found.outcomes[""], tried),
        "reasons": failed,
        "disputed": found.outcomes["disputed"],
        "fraud_warnings": found.outcomes["fraud_warning"],
    }


def _decline(found: EventStatistic, declined: int) -> Figures:
    count = found.outcomes[DECLINED]
    return {"declines": count, "share": ratio(count, declined)}


def _volume(found: EventStatistic) -> Figures:
    return {"amount": money(found.amount), "payments": found.outcomes[""]}


def _traffic(reader: EventReader) -> Figures:
    windows = reader.windows(TRAFFIC, "variant")
    return {
        "windows": {
            name: span | _views(found.now) | {"before": _views(found.before)}
            for (name, span), found in zip(reader.spans().items(), windows.values(), strict=True)
        },
        "countries": _places(reader, COUNTRY, "country"),
        "routes": _places(reader, TRAFFIC, "route"),
    }


def _places(reader: EventReader, topic: str, word: str) -> list[Figures]:
    """Return a row for each country or route, with its views by client, the most first."""
    now, before = map(_by_name, reader.compare(topic, "name", "variant"))
    views = sum(clients.total() for clients in now.values())
    rows = [
        {word: name, **_client_figures(clients), "share": ratio(clients.total(), views)}
        | {"before": _client_figures(before[name]) if name in before else None}
        for name, clients in now.items()
    ]
    rows.sort(key=lambda row: (-row["views"], row[word]))
    return rows[: reader.question.limit]


def _by_name(found: EventStatistics) -> Mapping[str, Counter[str]]:
    names: dict[str, Counter[str]] = {}
    for (name, client), one in found.items():
        names.setdefault(name, Counter())[client] += one.number
    return names


def _views(found: EventStatistics) -> Figures:
    return _client_figures({client: one.number for (client,), one in found.items()})


def _client_figures(clients: Mapping[str, int]) -> Figures:
    return {"views": sum(clients.values())} | {client: clients.get(client, 0) for client in CLIENTS}


def _widgets(reader: EventReader) -> Figures:
    rows = rows_of(("widget", "release"), reader.compare(WIDGET, "name", "variant"), widget_figures)
    rows.sort(key=lambda row: (-(row["failure_ratio"] or 0.0), -row["loads"], row["widget"], row["release"]))
    return {
        "windows": _windows(reader, WIDGET, widget_figures),
        "widgets": rows[: reader.question.limit],
    }


def widget_figures(found: EventStatistic) -> Figures:
    """Return what became of widgets; scripts fail in those that were counted when they loaded."""
    loads = sum(found.outcomes[name] for name in LOADS)
    return {
        "loads": loads,
        "failures": found.failed,
        "failure_ratio": ratio(found.failed, loads),
        "reasons": found.reasons,
        **percentiles(found),
    }


def _sign_ins(reader: EventReader) -> Figures:
    limit = reader.question.limit
    methods = rows_of(("method",), reader.compare(SIGN_IN, "name"), sign_in_figures)
    countries = rows_of(("country",), reader.compare(SIGN_IN, "variant"), sign_in_figures)
    return {
        "windows": _windows(reader, SIGN_IN, sign_in_figures),
        "methods": sorted(methods, key=lambda row: (-row["failures"], row["method"]))[:limit],
        "countries": sorted(countries, key=lambda row: (-row["failures"], row["country"]))[:limit],
    }


def sign_in_figures(found: EventStatistic) -> Figures:
    """Return how many attempts to sign in there were, and failed."""
    return {
        "sign_ins": found.number,
        "failures": found.failed,
        "failure_ratio": ratio(found.failed, found.number),
    }
