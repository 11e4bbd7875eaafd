"""The options of one integration: what all its tenants share, and what each tenant lays over it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import msgspec

from exporter.config.document.context import Path
from exporter.config.document.convert import Converter, as_struct, fields, root_type, twins
from exporter.config.document.section import add_error, schema_errors
from exporter.config.document.validate import SchemaError, Validator, unknown_key
from exporter.config.schema import options_schema
from exporter.config.sections.integrations.row_rules import RowRules
from exporter.core.metric import Metric
from exporter.core.options import Options, tenant_fields
from exporter.core.probe import Probe


@dataclass
class OptionLayers:
    """Makes the options of an integration's targets. `converter` has the place of the integration's options.

    `ca_file` is trusted where the options name no authorities. `metrics` are those that depend on the
    options, each with the path of the options that ask for it.
    """

    probe: Probe
    converter: Converter
    raw: Mapping[str, Any]
    has_tenants: bool
    ca_file: str = ""
    sound: bool = True
    metrics: list[tuple[Metric, Path, Converter]] = field(default_factory=list)

    @cached_property
    def shared(self) -> dict[str, Any]:
        """The fitted options that all targets share; its mistakes are reported when it is first asked for."""
        fitted = self._fitted(self.converter, self.raw)
        try:
            as_struct(fitted, self.probe.options)
        except msgspec.ValidationError as error:
            validator = Validator(options_schema(self.probe, required=not self.has_tenants))
            faults = schema_errors(self.converter, dict(self.raw), self.probe.options, validator, error)
            if not self.has_tenants or not _only_missing(error) or any(fault.path for fault in faults):
                add_error(self.converter, faults)
                self._validate_rest(fitted, faults)
                self.sound = False
        return fitted

    @cached_property
    def alone(self) -> Options | None:
        """The options of a target that adds nothing of its own."""
        fitted = self.shared
        if not self.sound:
            return None
        try:
            options = as_struct(fitted, self.probe.options)
        except msgspec.ValidationError as error:
            # only a required option can be missing here: the layer itself was judged
            add_error(
                self.converter,
                schema_errors(self.converter, dict(self.raw), self.probe.options, self._whole, error),
            )
            self.sound = False
            return None
        return self._verified(options, self.converter)

    def of_row(self, raw: Mapping[str, Any], converter: Converter) -> Options | None:
        """Return the options of a tenant whose row has the options `raw`; None after a mistake."""
        shared = self.shared
        # Most rows set no option: they share one object.
        if not raw:
            return self.alone
        allowed = {key: value for key, value in raw.items() if self._allowed(key, converter)}
        fitted = self._fitted(converter, allowed)
        rules = RowRules(self.probe.options, converter, shared)
        fitted = rules.complete(fitted)
        if not self.sound or len(allowed) < len(raw) or not rules.check(fitted):
            self._validate_row(converter, allowed, None)
            return None
        try:
            options = as_struct(shared | fitted, self.probe.options)
        except msgspec.ValidationError as error:
            self._validate_row(converter, allowed, error)
            return None
        return self._verified(options, converter)

    def _fitted(self, converter: Converter, raw: Mapping[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = converter.coerce(dict(raw), root_type(self.probe.options))
        return made

    @cached_property
    def _whole(self) -> Validator:
        return Validator(options_schema(self.probe, required=True))

    @cached_property
    def _row(self) -> Validator:
        return Validator(options_schema(self.probe, required=False, tenant=True))

    @cached_property
    def _row_keys(self) -> set[str]:
        names = tenant_fields(self.probe.options)
        return set(names) | {twin for twin, name in twins(self.probe.options).items() if name in names}

    def _allowed(self, key: str, converter: Converter) -> bool:
        if key in self._row_keys:
            return True
        if key in fields(self.probe.options) or key in twins(self.probe.options):
            converter.add_error(
                (key,),
                f"the option {key} cannot be set by a tenant",
                "set it under the options of the integration, for all its tenants",
            )
        else:
            add_error(converter, [unknown_key((key,), self._row_keys)])
        return False

    def _validate_row(self, converter: Converter, raw: dict[str, Any], error: Exception | None) -> None:
        only_checks = replace(converter, only_checks=True)
        faults = self._row.faults(only_checks.coerce(raw, root_type(self.probe.options)))
        if not faults and error is not None:
            faults = schema_errors(converter, {**self.raw, **raw}, self.probe.options, self._whole, error)
        add_error(converter, faults)

    def _validate_rest(self, fitted: Mapping[str, Any], faults: list[SchemaError]) -> None:
        """Let the provider judge the options without fault too, so that its mistakes show as well."""
        if self.probe.verify is None:
            return
        twin_of = twins(self.probe.options)
        wrong = {twin_of.get(str(fault.path[0]), str(fault.path[0])) for fault in faults if fault.path}
        rest = {key: value for key, value in fitted.items() if key in self._known and key not in wrong}
        try:
            options = as_struct(rest, self.probe.options)
        except msgspec.ValidationError:
            return
        for sentence in self.probe.verify(options):
            if not any(key in sentence for key in wrong):  # it may be a consequence of what is left out
                self._add_sentence(sentence, self.converter)

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(fields(self.probe.options))

    def _add_sentence(self, sentence: str, converter: Converter) -> None:
        what, _, remedy = sentence.partition("; ")
        converter.add_error(_key_in(sentence, self.probe.options), what, remedy or "correct the options")

    def _verified(self, options: Options, converter: Converter) -> Options | None:
        """Return `options`, or None when the provider itself finds them wrong."""
        options = options.trusting(self.ca_file) if self.ca_file else options
        wrong = self.probe.verify(options) if self.probe.verify else []
        for sentence in wrong:
            self._add_sentence(sentence, converter)
        if wrong:
            return None
        if self.probe.dynamic:
            try:
                for metric in self.probe.dynamic(options):
                    self.metrics.append((metric, (), converter))
                    converter.show(" ".join((metric.name, metric.help, *metric.labels)), "a metric")
            except ValueError as error:
                converter.add_error((), str(error), "choose another name")
                return None
        return options


def _only_missing(error: Exception) -> bool:
    return "missing required field" in str(error)


def _key_in(sentence: str, options: type[msgspec.Struct]) -> Path:
    """Return the option that the sentence begins with, so that its own line is named."""
    words = sentence.replace(":", " ").replace(".", " ").replace("[", " ").split(maxsplit=1)
    return (words[0],) if words and words[0] in fields(options) else ()
