"""Decides who may keep a secret file that several owners name."""

from exporter.config.document.context import Use
from exporter.config.load_context import LoadContext
from exporter.config.sections.integrations.tenants import tenant_title


def check_shared_files(context: LoadContext) -> None:
    """Refuse each row whose secret file belongs to another owner.

    Among files of the operator's choice no owner has a better claim: each row is blamed. A row from outside
    never takes a file from the configuration or from tenant files; among themselves one of them keeps it.
    """
    # By device and inode: one file may have several names.
    claims: dict[tuple[int, int], list[Use]] = {}
    for use in context.uses:
        claims.setdefault(use.identity, []).append(use)
    for uses in claims.values():
        if len({use.owner for use in uses}) > 1:
            _check_claims(context, uses)


def _check_claims(context: LoadContext, uses: list[Use]) -> None:
    inside = {use.owner for use in uses if not use.outside}
    keeper = _keeper(context, [use for use in uses if use.outside]) if not inside else None
    for use in uses:
        if not use.exclusive:
            continue
        wrong = bool(inside - {use.owner}) if inside else use.owner != keeper
        if wrong:
            context.add_error(
                use.place,
                f"{tenant_title(use.owner or '')} names a secret file that is named elsewhere for another",
                "give each tenant a secret file of its own; set shared ones under the integration's options",
            )


def _keeper(context: LoadContext, uses: list[Use]) -> str | None:
    """Return the tenant that keeps a file which rows from outside claim: always the same one, if it can be.

    Who had it before comes first, then whose name the file bears, then who is first in the sources' order.
    """

    def claim(use: Use) -> tuple[bool, int]:
        held = context.feeds is not None and context.feeds.holds(use.place[0], use.name)
        return held, _likeness(use.name, use.owner or "")

    return max(uses, key=claim).owner


def _likeness(file: str, tenant: str) -> int:
    """Return how much of the name of a file is the tenant's id, 0 where it does not begin with it."""
    # `acme` may claim `acme.key`, but not `acmecorp`.
    rest = file.removeprefix(tenant)
    return len(tenant) if file.startswith(tenant) and (not rest or rest[0] in "._-") else 0
