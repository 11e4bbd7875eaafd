"""Turns the elements of `integrations` into integrations, targets and thresholds."""

import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

from exporter.config import durations
from exporter.config.document.context import Path, Public
from exporter.config.document.convert import Converter
from exporter.config.document.section import add_error, convert_section
from exporter.config.document.source import Source
from exporter.config.document.validate import Validator
from exporter.config.feeds.row_cache import BuiltRow, RowCache, public_texts
from exporter.config.layout import Defaults, IntegrationPart
from exporter.config.layout_slo import SloPart
from exporter.config.load_context import LoadContext
from exporter.config.public import SURE, check_label_credentials
from exporter.config.schema import integration_schema
from exporter.config.sections import thresholds
from exporter.config.sections.integrations.options import OptionLayers
from exporter.config.sections.integrations.tenants import TenantSourceRow, TenantSources
from exporter.config.sections.integrations.tokens import settings
from exporter.core.configuration import Integration
from exporter.core.options import address_fields, trusting
from exporter.core.probe import MONTH, Probe, Target
from exporter.core.quoting import is_plain_key
from exporter.core.service_level import ServiceLevel
from exporter.core.threshold import Threshold

LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
RESERVED = frozenset(
    {"integration", "provider", "tenant", "job", "instance", "severity", "reason", "le", "quantile"}
)
MAX_LABELS = 32
MAX_LABEL_LENGTH = 256
LEAST_OBJECTIVE = 50.0
"""Percent below which an objective is taken for a share, such as 0.995."""
TargetLabels = tuple[tuple[str, str], ...]


@dataclass
class BuiltTargets:
    """One integration with its targets; `feed_tenants` are the tenants whose rows come from outside."""

    integration: Integration
    path: Path
    allow_over_budget: bool
    targets: list[Target] = field(default_factory=list)
    layers: OptionLayers | None = None
    row_cache: RowCache | None = None
    feed_tenants: set[str] = field(default_factory=set)


@dataclass
class TargetBuilder:
    """Builds all integrations of one source."""

    context: LoadContext
    source: Source
    defaults: Defaults
    steps: thresholds.Steps
    names: dict[str, Path] = field(default_factory=dict)
    resolved: list[Threshold] = field(default_factory=list)

    def build(self, raw: Any, path: Path) -> BuiltTargets | None:
        """Return the integration `raw`; None when a mistake leaves nothing to probe."""
        converter = Converter(self.context, self.source, prefix=path)
        instead = {"name": f"integration-{path[-1]}", "provider": ""}
        part, sound = convert_section(converter, raw, IntegrationPart, self._validator, instead=instead)
        if part is None:
            return None
        self._check_name(part.name, path)
        if self.defaults.tls.ca_file:
            part = trusting(part, self.defaults.tls.ca_file)
        probe = self.context.catalogue.probes.get(part.provider)
        if probe is None and sound:
            # reached when the schema was not asked: the types alone accept every text
            add_error(converter, self._validator.faults({"name": "name", "provider": part.provider}))
        return self._with_targets(part, probe, path)

    def _with_targets(self, part: IntegrationPart, probe: Probe | None, path: Path) -> BuiltTargets | None:
        labels = self._labels(self.defaults.labels, self.source, ("defaults", "labels"))
        labels |= self._labels(part.labels, self.source, (*path, "labels"))
        interval, timeout = self._times(part, probe, path)
        ladder = thresholds.Ladder(self.context)
        steps, _ = ladder.over(self.steps, part.thresholds, self.source, (*path, "thresholds"))
        layers = self._layers(part, probe, path)
        row_cache = self._row_cache(part, layers, (interval, timeout, labels, steps, self.defaults.tls))
        rows = self._rows(part, path, row_cache)
        if probe is None or layers is None:
            for row in rows or ():
                self._labels(row.tenant.labels, row.source, (*row.path, "labels"))
                ladder.over(steps, row.tenant.thresholds, row.source, (*row.path, "thresholds"))
            return None
        built = BuiltTargets(
            Integration(
                part.name,
                probe,
                part.critical,
                interval,
                tuple(sorted(labels.items())),
                settings(self.context, self.source, part, probe, path),
                self._service_level(part.slo, path),
            ),
            path,
            part.allow_over_budget,
            layers=layers,
            row_cache=row_cache,
        )
        if rows is None:
            if (options := layers.alone) is not None:
                self._add_target(built, "", options, timeout, built.integration.labels)
        else:
            _ = layers.shared  # its mistakes are reported even without any row
            for row in rows:
                self._add_row(built, row, timeout, labels, steps)
        built.integration = replace(built.integration, drifts=_drifts(built))
        families = self.context.catalogue.families_of(probe.name, renewed=_renews(built))
        self.resolved.extend(thresholds.defaults(steps, families, part.name, probe.name))
        return built

    def _add_row(
        self,
        built: BuiltTargets,
        row: TenantSourceRow,
        timeout: float,
        labels: dict[str, str],
        steps: thresholds.Steps,
    ) -> None:
        if row.rules.outside:
            built.feed_tenants.add(row.tenant.id)
        if row.built is not None:
            self._add_built(built, row, row.built)
            return
        if row.raw is None or built.row_cache is None:
            self._make_row(built, row, timeout, labels, steps)
            return
        before, all_secrets, all_files = self._count(built), self.context.secrets, self.context.files
        # Apart from the others: a row's credentials are compared with its own public texts alone.
        # Any row could else have another refused by claiming its id as a credential.
        own, files = set[str](), set[str]()
        self.context.secrets, self.context.files = own, files
        try:
            self._make_row(built, row, timeout, labels, steps)
        finally:
            self.context.secrets, self.context.files = all_secrets, all_files
            self._add_secrets(row, own)
            all_files |= files
        if row.rules.outside:
            check_label_credentials(self.context, own, self.context.public[before[2] :])
        if not files:
            self._keep(built.row_cache, built, row, tuple(own), before)

    def _add_secrets(self, row: TenantSourceRow, secrets: Iterable[str]) -> None:
        (self.context.outside if row.rules.outside else self.context.secrets).update(secrets)

    def _count(self, built: BuiltTargets) -> tuple[tuple[int, ...], int, int, int]:
        """Return how much was reported or read so far, and the lengths of what rows add to."""
        context, metrics = self.context, len(built.layers.metrics) if built.layers else 0
        odd = (len(context.mistakes), len(context.uses), len(context.hidden), metrics)
        return odd, len(self.resolved), len(context.public), len(built.targets)

    def _keep(
        self,
        row_cache: RowCache,
        built: BuiltTargets,
        row: TenantSourceRow,
        secrets: tuple[str, ...],
        before: tuple[tuple[int, ...], int, int, int],
    ) -> None:
        """Keep what came of a row for the next load, unless a mistake or a metric came of it."""
        odd, thresholds_before, public_before, targets_before = before
        if self._count(built)[0] != odd or len(built.targets) != targets_before + 1:
            return
        public = public_texts(self.context.public[public_before:], row.path)
        if public is not None:
            row_cache.rows[row.tenant.id] = BuiltRow(
                row.raw, built.targets[-1], tuple(self.resolved[thresholds_before:]), secrets, public
            )

    def _add_built(self, built: BuiltTargets, row: TenantSourceRow, made: BuiltRow) -> None:
        built.targets.append(made.target)
        self.resolved.extend(made.thresholds)
        self._add_secrets(row, made.secrets)
        self.context.public.extend([text.at(row.source.place, row.path) for text in made.public])
        if built.row_cache is not None:
            built.row_cache.rows[made.target.tenant] = made

    def _make_row(
        self,
        built: BuiltTargets,
        row: TenantSourceRow,
        timeout: float,
        labels: dict[str, str],
        steps: thresholds.Steps,
    ) -> None:
        tenant, integration = row.tenant, built.integration
        self._show(tenant.id, "the id of a tenant", row.source, (*row.path, "id"))
        converter = Converter(self.context, row.source, row.rules, tenant.id, prefix=(*row.path, "options"))
        options = built.layers.of_row(tenant.options, converter) if built.layers else None
        own = self._labels(tenant.labels, row.source, (*row.path, "labels")) if tenant.labels else {}
        if tenant.thresholds:
            _, numbers = thresholds.Ladder(self.context).over(
                steps, tenant.thresholds, row.source, (*row.path, "thresholds")
            )
            provider = integration.probe.name
            families = self.context.catalogue.families_of(provider)
            self.resolved.extend(
                thresholds.overrides(numbers, steps, families, integration.name, provider, tenant.id)
            )
        if options is not None:
            merged = tuple(sorted((labels | own).items())) if own else integration.labels
            networks = _networks(row, integration.probe)
            self._add_target(built, tenant.id, options, timeout, merged, networks, converter.hidden)

    def _add_target(
        self,
        built: BuiltTargets,
        tenant: str,
        options: Any,
        timeout: float,
        labels: TargetLabels,
        networks: tuple[str, ...] | None = None,
        hidden: AbstractSet[str] = frozenset(),
    ) -> None:
        integration = built.integration
        shared = built.layers.converter.hidden if built.layers else set()
        built.targets.append(
            Target(
                integration.name,
                tenant,
                integration.probe,
                options,
                integration.interval,
                timeout,
                labels,
                integration.critical,
                built.allow_over_budget,
                networks,
                frozenset(shared | hidden),
            )
        )

    def _row_cache(self, part: IntegrationPart, layers: OptionLayers | None, more: tuple[Any, ...]) -> Any:
        """Return what was made of this integration's rows before, as long as nothing else differs."""
        feeds = self.context.feeds
        if feeds is None or layers is None or part.tenants is None:
            return None
        # All that a target takes from elsewhere than its row: a part left out would keep stale targets.
        options = (layers.shared, frozenset(layers.converter.hidden))
        context = (part.name, layers.probe, options, part.critical, part.allow_over_budget, more)
        rules = (part.tenants.secrets_dir, part.tenants.allow_networks, self.context.base)
        return feeds.row_cache(part.name, (*context, *rules))

    def _layers(self, part: IntegrationPart, probe: Probe | None, path: Path) -> OptionLayers | None:
        if probe is None:
            return None
        converter = Converter(self.context, self.source, prefix=(*path, "options"))
        return OptionLayers(
            probe,
            converter,
            part.options,
            has_tenants=part.tenants is not None,
            ca_file=self.defaults.tls.ca_file,
        )

    def _rows(
        self, part: IntegrationPart, path: Path, row_cache: RowCache | None
    ) -> list[TenantSourceRow] | None:
        if part.tenants is None:
            return None
        here = (*path, "tenants")
        return list(TenantSources(self.context, self.source, here, part.tenants, part.name, row_cache).rows())

    def _check_name(self, name: str, path: Path) -> None:
        self._show(name, "the name of the integration", self.source, (*path, "name"))
        first = self.names.setdefault(name, path)
        if first != path:
            line = self.source.place((*first, "name"))[1]
            shown = f"the name {name}" if is_plain_key(name) else "the name"
            self._add_error((*path, "name"), f"{shown} is taken by line {line}", "choose another name")
        elif "\n" in name:  # the pattern's $ lets a trailing line break through
            self._add_error((*path, "name"), "the name has a line break", "write it on one line")

    def _times(self, part: IntegrationPart, probe: Probe | None, path: Path) -> tuple[float, float]:
        """Return interval and timeout in seconds; an inherited timeout shrinks to a short interval."""
        inherited = _seconds(self.defaults.interval) or (probe.interval if probe else 300.0)
        interval = _seconds(part.interval)
        if interval is None:
            interval = inherited
        elif not 1.0 <= interval <= MONTH:
            self._add_error((*path, "interval"), "the interval is out of bounds", "choose from 1s to 30d")
            interval = inherited
        timeout = _seconds(part.timeout)
        usual = _seconds(self.defaults.timeout) or (probe.timeout if probe else 10.0)
        if timeout is None:
            return interval, min(usual, interval)
        if timeout <= 0:
            self._add_error((*path, "timeout"), "the timeout is zero", "write at least 1ms")
        elif timeout > interval:
            words = (
                f"the timeout {durations.text_of(timeout)} is above"
                f" the interval {durations.text_of(interval)}"
            )
            self._add_error((*path, "timeout"), words, "choose a timeout of at most the interval")
        return interval, min(timeout, interval) or usual

    def _labels(self, labels: Mapping[str, str], source: Source, path: Path) -> dict[str, str]:
        good = {}
        for name, value in labels.items():
            if problem := _label_problem(name, value):
                self.context.add_error(source.place((*path, name)), *problem)
            else:
                good[name] = value
                self._show(name, "the name of a label", source, path)
                self._show(value, "the value of a label", source, (*path, name))
        if len(labels) > MAX_LABELS:
            self.context.add_error(source.place(path), "too many labels", f"keep at most {MAX_LABELS}")
        return good

    def _service_level(self, own: SloPart, path: Path) -> ServiceLevel:
        """Return the objective of an integration, key by key its own or the default one."""
        for part, place in ((self.defaults.slo, ("defaults",)), (own, path)):
            if 0 < (part.objective or 0) < LEAST_OBJECTIVE:
                what = f"the objective {part.objective:g} is in percent"
                remedy = "write 99.5 for 99.5 %, or 0 for none"
                self.context.add_error(self.source.place((*place, "slo", "objective")), what, remedy)
        return _service_level(own, self.defaults.slo)

    def _show(self, text: str, what: str, source: Source, path: Path) -> None:
        # Shorter texts are never compared with credentials, so none of them is remembered.
        if len(text) >= SURE:
            self.context.public.append(Public(text, what, partial(source.place, path)))

    def _add_error(self, path: Path, what: str, remedy: str) -> None:
        self.context.add_error(self.source.place(path), what, remedy)

    @cached_property
    def _validator(self) -> Validator:
        return Validator(integration_schema(self.context.catalogue))


def _renews(built: BuiltTargets) -> bool:
    """Return whether the exporter renews the token of any target, as far as options say."""
    grant = built.integration.probe.grant
    return grant is not None and any(grant(target.options) is not None for target in built.targets)


def _drifts(built: BuiltTargets) -> bool:
    """Return whether answers of any target are read field by field."""
    drifts = built.integration.probe.drifts
    return drifts is None or any(drifts(target.options) for target in built.targets)


def _networks(row: TenantSourceRow, probe: Probe) -> tuple[str, ...] | None:
    """Return the networks that a row's own addresses may lead to, None where the row names no address.

    The addresses of the configuration itself are the operator's, and those in rows of files without
    `secrets_dir`.
    """
    if not row.rules.guarded or address_fields(probe.options).isdisjoint(row.tenant.options):
        return None
    return row.rules.networks


def _label_problem(name: str, value: str) -> tuple[str, str] | None:
    if not LABEL.fullmatch(name) or len(name) > MAX_LABEL_LENGTH:
        return "a label name is no Prometheus label name", "use letters, digits and _, and no digit first"
    if name in RESERVED or name.startswith("__"):
        return f"the label {name} is reserved", "choose another label name"
    if len(value) > MAX_LABEL_LENGTH:
        return f"the value of the label {name} is too long", f"keep at most {MAX_LABEL_LENGTH} characters"
    return None


def _service_level(own: SloPart, default: SloPart) -> ServiceLevel:
    """Return the objective of an integration, key by key its own or the default one."""
    usual = ServiceLevel()
    percent = next((one.objective for one in (own, default) if one.objective is not None), None)
    window = own.window or default.window
    return ServiceLevel(
        # Rounded, so that 99.9 is 0.999 and nothing near it.
        usual.objective if percent is None else round(percent / 100, 9),
        durations.seconds(window) if window else usual.window,
    )


def _seconds(text: str | None) -> float | None:
    # the pattern of the type has been judged before; a line break that slipped by it is caught here
    if text is None:
        return None
    return durations.seconds(text.strip())
