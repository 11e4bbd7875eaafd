"""Whether tokens can be kept the way that the configuration asks for."""

from collections.abc import Iterable

from exporter.config.document.source import Source
from exporter.config.load_context import LoadContext
from exporter.config.sections.integrations.build import BuiltTargets
from exporter.core.configuration import StoreSettings
from exporter.core.probe import Target
from exporter.core.token import RefreshToken


def check_token_keeping(
    context: LoadContext, source: Source, built: Iterable[BuiltTargets], store: StoreSettings
) -> None:
    """Refuse a source that needs keys where there are none; note what a restart would lose without them."""
    if store.token_keys:
        return
    losing = []
    for one in built:
        settings = one.integration.tokens
        if settings.source == "store":
            place = source.place((*one.path, "tokens", "source"))
            remedy = "add store.token_keys_file; integration-exporter tokens key makes a key"
            context.add_error(
                place, "the source is store, and the store has no key to keep tokens with", remedy
            )
        elif settings.source == "options" and any(map(_rotates, one.targets)):
            losing.append(one.integration.name)
    if losing:
        context.notes.append(
            f"no store.token_keys is set: refresh tokens that rotate are kept in memory alone and are lost at"
            f" a restart ({', '.join(losing)}); integration-exporter tokens key makes a key"
        )


def _rotates(target: Target) -> bool:
    grant = target.probe.grant(target.options) if target.probe.grant else None
    return isinstance(grant, RefreshToken)
