"""`webhooks`: deliveries, endpoints and sources of a running exporter."""

import argparse
import sys
from typing import Any

from exporter.commands.api_client import ApiClient, build_client
from exporter.commands.output import cell, print_rows
from exporter.commands.progress import follow_job
from exporter.core.errors import StartError
from exporter.core.listing import OutputColumn
from exporter.store.listings import listings

DELIVERIES = "/api/v1/deliveries"
USUAL = 100
"""Rows on a terminal, unless more are asked for."""

FILTER = ("endpoint", "tenant", "type", "state", "reason")
ENDPOINTS = (
    OutputColumn("name", "NAME", keep=True),
    OutputColumn("tenant", "TENANT", keep=True),
    OutputColumn("state", "STATE", keep=True),
    OutputColumn("up", "UP"),
    OutputColumn("breaker", "BREAKER"),
    OutputColumn("reason", "REASON"),
    OutputColumn("last_success", "LAST SUCCESS"),
    OutputColumn("failing_since", "FAILING SINCE"),
    OutputColumn("certificate_expiry", "CERTIFICATE"),
    OutputColumn("types", "TYPES"),
    OutputColumn("url", "URL"),
)
SOURCES = (
    OutputColumn("name", "NAME", keep=True),
    OutputColumn("scheme", "SCHEME", keep=True),
    OutputColumn("integration", "INTEGRATION"),
    OutputColumn("tenant", "TENANT"),
    OutputColumn("path", "PATH", keep=True),
    OutputColumn("forward", "FORWARD"),
    OutputColumn("types", "TYPES"),
)


def webhooks(options: argparse.Namespace) -> int:
    """Do what `options.action` names; return 0, or 1 when a retry or a test delivery was not made."""
    actions = {
        "list": _list,
        "dead": _list,
        "show": _show,
        "retry": _retry,
        "ping": _ping,
        "endpoints": _endpoints,
        "sources": _sources,
    }
    return actions[options.action](build_client(options), options)


def _list(exporter: ApiClient, options: argparse.Namespace) -> int:
    listing = listings()["deliveries"]
    query = _filter(options) | {"since": options.since, "limit": _limit(options)}
    print_rows(exporter.rows(listing.path, query), listing.table, options, listing.empty)
    return 0


def _show(exporter: ApiClient, options: argparse.Namespace) -> int:
    found = exporter.get(f"{DELIVERIES}/{options.id}")
    attempts = found.pop("attempts_made")
    if options.json:
        print_rows([found | {"attempts_made": attempts}], (), options, "")
        return 0
    if not options.csv:
        for name, value in found.items():
            print(f"{name + ':':<12} {cell(value)}")
        print()
    print_rows(attempts, listings()["attempts"].table, options, "no attempt was made yet")
    return 0


def _retry(exporter: ApiClient, options: argparse.Namespace) -> int:
    chosen = {name: value for name, value in _filter(options).items() if value is not None}
    # Exactly one of the three: together they contradict one another, and without any it may be a slip.
    if sum(map(bool, (options.ids, chosen, options.all))) != 1:
        raise StartError("say which deliveries: IDs, or --all, or --endpoint, --tenant, --type and --reason")
    body: dict[str, Any] = {"ids": options.ids} if options.ids else chosen or {"all": True}
    job = exporter.post(f"{DELIVERIES}/retry", body | {"background": True})
    job = follow_job(exporter, f"{DELIVERIES}/retry", job, "retrying")
    if options.json or options.csv:
        print_rows([job], (OutputColumn("retried", "RETRIED"),), options, "")
    else:
        # What the exporter does not know of is not in its total.
        asked = len(options.ids) or job["total"]
        print(f"{job['retried']} of {asked} are tried again", file=sys.stderr)
    if job["error"]:
        print(f"it stopped early: {job['error']}", file=sys.stderr)
    return 1 if job["error"] or (options.ids and job["retried"] < len(options.ids)) else 0


def _ping(exporter: ApiClient, options: argparse.Namespace) -> int:
    made = exporter.post(f"/api/v1/endpoints/{options.name}/ping")
    columns = (OutputColumn("id", "ID", keep=True), OutputColumn("endpoint", "ENDPOINT", keep=True))
    print_rows([made], columns, options, "")
    if not (options.json or options.csv):
        print(f"see what became of it: integration-exporter webhooks show {made['id']}", file=sys.stderr)
    return 0


def _endpoints(exporter: ApiClient, options: argparse.Namespace) -> int:
    query = {"tenant": options.tenant, "state": options.state, "limit": _limit(options)}
    print_rows(exporter.rows("/api/v1/endpoints", query), ENDPOINTS, options, "no endpoints")
    return 0


def _sources(exporter: ApiClient, options: argparse.Namespace) -> int:
    print_rows(exporter.rows("/api/v1/sources", {}), SOURCES, options, "no sources")
    return 0


def _filter(options: argparse.Namespace) -> dict[str, str | int | None]:
    return {name: getattr(options, name, None) for name in FILTER}


def _limit(options: argparse.Namespace) -> int | None:
    # A program would not notice that rows are missing; a person sees where the table stops.
    return options.limit or (None if options.json or options.csv else USUAL)
