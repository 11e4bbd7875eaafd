"""No alert on a counter of ours misses a first event: its series was there before, or its rule counts it.

Prometheus sees no rise to the value with which a series begins.
"""

from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import promql_parser
import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter import registry
from exporter.config.load import load_text
from exporter.core import common_metrics, sms_metrics, webhook_metrics
from exporter.core.counting import risen
from exporter.core.delivery import REASONS
from exporter.core.signature import Refusal
from exporter.core.text_message import FIRST, SECOND
from exporter.demo.services import DemoProcess
from exporter.generate import bundle
from exporter.net.shortages import RESOURCES
from tests.e2e.asking import read
from tests.e2e.conftest import COMMAND
from tests.servers.ports import free_port

TEXT = """\
integrations: [{name: payments, provider: stripe}]
events:
  metrics: [{name: mails_total, type: counter, help: Mails., thresholds: {high: 500}}]
webhooks:
  sources: [{name: shop, scheme: github, secret: whsec_of_the_shop_0123456789}]
notifications:
  sms:
    to: ["+15005550006"]
    twilio:
      account_sid: AC00000000000000000000000000000000
      auth_token: "0123456789abcdef0123456789abcdef"
      from: "+15005550001"
      fallback:
        account_sid: AC00000000000000000000000000000001
        auth_token: "0123456789abcdef0123456789abcdee"
        from: "+15005550002"
"""


def _each(**values: tuple[str, ...]) -> set[tuple[tuple[str, str], ...]]:
    """Return every set of labels that has one of the values of each label."""
    pairs = [[(label, value) for value in found] for label, found in values.items()]
    return {tuple(sorted(labels)) for labels in product(*pairs)}


OF_INTEGRATION = _each(integration=("payments",), provider=("stripe",))
# Those whose rule does not count the first value, with the labels that the exporter must show from the start.
SHOWN: Mapping[str, set[tuple[tuple[str, str], ...]]] = {
    str(common_metrics.PROBES): OF_INTEGRATION,
    str(common_metrics.DEFERRED): OF_INTEGRATION,
    str(common_metrics.SCHEMA_DRIFT): OF_INTEGRATION,
    str(webhook_metrics.SIGNATURE_FAILURES): _each(source=("shop",), reason=tuple(map(str, Refusal))),
    str(sms_metrics.GIVEN_UP): _each(reason=REASONS),
    str(sms_metrics.FAILED): _each(account=(FIRST, SECOND), reason=REASONS),
    "integration_exporter_shortages_total": _each(resource=RESOURCES),
    "integration_exporter_store_dropped": _each(),
    "integration_exporter_store_failed_reads": _each(),
    "integration_exporter_store_failed_writes": _each(),
    "integration_exporter_ratelimit_storage_failures": _each(),
}


def _rules() -> Iterator[str]:
    configuration = load_text(TEXT, "my.yml", registry.catalogue(), {})
    for content in bundle.rule_files(configuration).values():
        yield from (rule["expr"] for group in content["groups"] for rule in group["rules"])


def _children(node: Any) -> list[Any]:
    found = [getattr(node, name, None) for name in ("expr", "lhs", "rhs")]
    return [child for child in (*found, *(getattr(node, "args", None) or ())) if child is not None]


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for child in _children(node):
        yield from _nodes(child)


def _selectors(node: Any) -> Iterator[Any]:
    """Yield every selector below `node`, without its range."""
    for one in _nodes(node):
        if isinstance(one, promql_parser.MatrixSelector):
            yield one.vector_selector
        elif isinstance(one, promql_parser.VectorSelector):
            yield one


def _chosen(selector: Any) -> str:
    """Return name and matchers of a selector, without its offset."""
    matchers = sorted(f"{one.name}{one.op}{one.value}" for one in selector.matchers.matchers)
    return f"{selector.name}{matchers}"


def _is(node: Any, *functions: str) -> bool:
    return isinstance(node, promql_parser.Call) and node.func.name in functions


def _began(node: Any) -> Iterator[str]:
    """Yield the selectors of which `node` finds the series that were not there before."""
    for one in _nodes(node):
        if isinstance(one, promql_parser.BinaryExpr) and str(one.op) == "unless":
            before = [old for old in _nodes(one.rhs) if _is(old, "last_over_time")]
            offset = {
                _chosen(old.args[0].vector_selector) for old in before if old.args[0].vector_selector.offset
            }
            yield from ({_chosen(new) for new in _selectors(one.lhs)} & offset)


def uncounted_firsts(expression: str) -> set[str]:
    """Return the counters of ours whose rise the expression asks for, and whose first value it leaves out."""
    whole = promql_parser.parse(expression)
    counted = set(_began(whole))
    rises = [one for node in _nodes(whole) if _is(node, "increase") for one in _selectors(node)]
    return {
        str(one.name)
        for one in rises
        if str(one.name).startswith("integration_") and _chosen(one) not in counted
    }


def unsummed_firsts(expression: str) -> list[str]:
    """Return the aggregations of rises and first values that are no sum, which both have to be in."""
    found = []
    for node in _nodes(promql_parser.parse(expression)):
        if isinstance(node, promql_parser.AggregateExpr) and str(node.op) != "sum":
            inner = [one for one in _nodes(node.expr) if isinstance(one, promql_parser.AggregateExpr)]
            if '"begun"' in str(node.expr) and not inner:
                found.append(str(node))
    return found


def test_a_rule_counts_the_first_value_or_the_series_is_shown_before() -> None:
    """Each entry is needed: one that no rule asks for any more has to go."""
    assert {name for expression in _rules() for name in uncounted_firsts(expression)} == SHOWN.keys()


def test_rises_with_first_values_are_summed() -> None:
    assert [found for expression in _rules() for found in unsummed_firsts(expression)] == []


RISEN = risen("integration_a_total", "5m")
OF_X = risen('integration_a_total{x="1"}', "5m")
ALONE = "increase(integration_a_total[5m])"


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        (f"sum({ALONE}) > 0", {"integration_a_total"}),
        ("sum(increase((integration_a + 0)[5m:30s])) > 0", {"integration_a"}),
        (f"sum({RISEN}) > 0", set()),
        (f"sum({RISEN} or increase(integration_b_total[5m]))", {"integration_b_total"}),
        (f"sum({OF_X}) + sum({ALONE})", {"integration_a_total"}),
        ("sum(increase(prometheus_a_total[5m])) > 0", set()),
    ],
)
def test_what_is_left_out_is_found(expression: str, names: set[str]) -> None:
    assert uncounted_firsts(expression) == names


def test_what_is_not_summed_is_found() -> None:
    assert unsummed_firsts(f"max by (x) ({RISEN}) > 0")
    assert not unsummed_firsts(f"max by (x) (sum by (x, y) ({RISEN})) > 0")


async def test_a_process_that_just_began_shows_them_at_0(tmp_path: Path) -> None:
    file, port = tmp_path / "my.yml", free_port()
    file.write_text(f'{TEXT}store: {{url: "sqlite:///{tmp_path}/state.db"}}\n')
    base = f"http://127.0.0.1:{port}"
    command = [*COMMAND, f"--config.file={file}", f"--web.listen-address=127.0.0.1:{port}"]
    process = DemoProcess("exporter", command, f"{base}/-/ready", tmp_path / "log", {}, tmp_path)
    try:
        await process.start()
        text = await read(f"{base}/metrics")
    finally:
        await process.stop()
    samples = [one for family in text_string_to_metric_families(text) for one in family.samples]
    for name, labels in SHOWN.items():
        own = {label for pairs in labels for label, _ in pairs}
        found = {
            tuple(sorted((label, value) for label, value in one.labels.items() if label in own)): one.value
            for one in samples
            if one.name == name
        }
        assert found == dict.fromkeys(labels, 0.0), name
