"""A report of the audit as a page to print, which loads nothing, and as CSV."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from exporter.core.audit import AuditEntry
from exporter.core.clock import iso
from exporter.server.export import csv_line
from exporter.server.web_config.settings import AllowedTenants, Roles, WebConfig
from exporter.store.audit_report import AuditReport, ReportSection

STYLE = """
body { max-width: 72rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; font: 14px/1.45 system-ui, sans-serif;
  color: #111; background: #fff; }
h1 { line-height: 1.2; } h2 { margin-top: 2rem; break-after: avoid; }
table { border-collapse: collapse; width: 100%; } thead { display: table-header-group; }
tr { break-inside: avoid; }
th, td { padding: .25rem .5rem; border: 1px solid #999; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; }
th { background: #eee; } code { overflow-wrap: anywhere; }
@media print { body { max-width: none; padding: 0; font-size: 10pt; } @page { margin: 15mm; } }
"""

ENTRY_COLUMNS = ("id", "at", "actor", "action", "resource", "outcome", "tenant", "address", "risk", "flag")
REVIEW_COLUMNS = ("reviewed", "reviewer", "note")
CSV_COLUMNS = ("section", *ENTRY_COLUMNS, *REVIEW_COLUMNS, "count", "details")


@dataclass(frozen=True)
class GrantedAccess:
    """Somebody whom the web configuration lets in now, and what they may do there."""

    name: str
    kind: str
    roles: str
    tenants: str


def access_of(config: WebConfig) -> list[GrantedAccess]:
    """Return whom the web configuration lets in; without one it is the admin token of the machine."""
    if not config.closed:
        return [GrantedAccess("admin-token", "token of this machine", "admin", "all")]
    found = [_granted(name, "user", config.roles_of(name), None) for name, _ in config.users]
    found += [_granted(one.name, "token", one.roles, one.tenants) for one in config.tokens]
    found += [_granted(one.name, "certificate", one.roles, one.tenants) for one in config.certificates]
    if config.proxy is not None:
        networks = ", ".join(map(str, config.proxy.networks))
        found.append(_granted(f"users of the proxy at {networks}", "proxy", config.proxy.roles, None))
    return found


def _granted(name: str, kind: str, roles: Roles, tenants: AllowedTenants) -> GrantedAccess:
    allowed = "all" if tenants is None else ", ".join(sorted(tenants))
    return GrantedAccess(name, kind, ", ".join(sorted(roles)), allowed)


def as_csv(report: AuditReport, access: Sequence[GrantedAccess]) -> str:
    """Return the report as CSV: a line for each entry of each section, and for each who had access."""
    rows: list[dict[str, Any]] = [
        {
            "section": "access",
            "actor": one.name,
            "action": one.kind,
            "outcome": one.roles,
            "tenant": one.tenants,
        }
        for one in access
    ]
    rows += [
        {"section": "seen", "at": iso(one.last), "actor": one.actor, "count": one.entries}
        for one in report.people
    ]
    rows += [{"section": part.name, **_row(entry)} for part in report.sections for entry in part.entries]
    lines = [csv_line(CSV_COLUMNS), *(csv_line(row.get(name) for name in CSV_COLUMNS) for row in rows)]
    return "".join(f"{line}\r\n" for line in lines)


def as_html(report: AuditReport, access: Sequence[GrantedAccess], now: float) -> str:
    """Return the report as a page; everything that anybody else wrote is escaped."""
    title = f"Audit report: {iso(report.since)} to {iso(report.until)}"
    return "\n".join(
        (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>",
            f"<h1>{escape(title)}</h1>",
            f"<p>Written at {iso(now)}. The chain of the audit has {report.entries} entries; its head is "
            f"<code>{report.head.hex() or 'none'}</code>. Times are UTC.</p>",
            *_overview(report),
            "<h2>Who has access</h2>",
            _table(
                ("Name", "Kind", "Roles", "Tenants"),
                ((one.name, one.kind, one.roles, one.tenants) for one in access),
            ),
            "<h2>Who used it</h2>",
            _table(
                ("Actor", "Entries", "First", "Last"),
                ((one.actor, one.entries, iso(one.first), iso(one.last)) for one in report.people),
            ),
            *(text for part in report.sections for text in _section(part)),
            "</main>\n</body>\n</html>\n",
        )
    )


def _overview(report: AuditReport) -> Iterator[str]:
    found = report.figures
    yield "<h2>Overview</h2>"
    rows: list[tuple[str, Any]] = [
        ("Entries", found.entries),
        ("of the exporter itself", found.ours),
        ("Flagged", sum(found.flags.values())),
        ("of these reviewed", found.reviewed),
        ("Waiting for a review, of all times", found.unreviewed),
        ("Highest risk score", found.highest_risk),
    ]
    rows += [(f"Pattern {name}", number) for name, number in found.flags.items()]
    rows += [(f"Class {name}", number) for name, number in found.classes.items()]
    rows += [(f"Outcome {name}", number) for name, number in found.outcomes.items()]
    yield _table(("What", "Number"), rows)


def _section(part: ReportSection) -> Iterator[str]:
    yield f"<h2>{escape(part.title)} ({part.total})</h2>"
    columns = (*ENTRY_COLUMNS, *REVIEW_COLUMNS) if part.name.startswith("reviews") else ENTRY_COLUMNS
    rows = map(_row, part.entries)
    if part.entries:
        yield _table(columns, ([row[name] for name in columns] for row in rows))
    else:
        yield "<p>None.</p>"
    if part.total > len(part.entries):
        more = part.total - len(part.entries)
        yield f"<p>{more} older ones are not shown; <code>audit export</code> has them.</p>"


def _row(entry: AuditEntry) -> dict[str, Any]:
    review = entry.review
    plain = {name: getattr(entry, name) for name in ENTRY_COLUMNS if name != "at"}
    return {
        **plain,
        "at": iso(entry.at),
        "count": entry.count,
        "reviewed": iso(review.at) if review else None,
        "reviewer": review.reviewer if review else None,
        "note": review.note if review else None,
        "details": json.dumps(dict(entry.details), ensure_ascii=False) if entry.details else "",
    }


def _table(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape('' if cell is None else str(cell))}</td>" for cell in row) + "</tr>\n"
        for row in rows
    )
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>"
