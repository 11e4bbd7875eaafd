"""Reload: all or nothing, and files that are watched."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from exporter.core.configuration import Configuration
from exporter.core.errors import ConfigError, ConfigIssue
from exporter.engine.reload import Reloader
from exporter.engine.selfmetrics import SelfMetrics
from tests.clock import HandClock
from tests.engine.making import made_configuration, made_target
from tests.waiting import until


class Loader:
    """Loads a made configuration from two files: the main one and a secret."""

    def __init__(self, folder: Path) -> None:
        self.main, self.secret = folder / "main.yml", folder / "secret"
        self.main.write_text("first")
        self.secret.write_text("one")
        self.texts: list[str | None] = []
        self.interval = 60.0
        self.meanwhile: Callable[[], None] = lambda: None
        """What happens to the files while they are read."""
        self.more: list[Path] = []
        """Further files that are read."""

    def __call__(self, text: str | None) -> Configuration:
        self.texts.append(text)
        content = self.main.read_text() if text is None else text
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        if "wrong" in content:
            raise ConfigError([ConfigIssue("main.yml", 1, "wrong is not known here", "remove it")])
        return replace(
            made_configuration(
                [replace(made_target(name), interval=self.interval) for name in content.split()]
            ),
            path=str(self.main),
            files=frozenset({str(self.main), str(self.secret), *map(str, self.more)}),
            text=content,
        )


@pytest.fixture
def loader(tmp_path: Path) -> Loader:
    return Loader(tmp_path)


@pytest.fixture
def applied() -> list[str]:
    return []


@pytest.fixture
def metrics() -> SelfMetrics:
    return SelfMetrics()


@pytest.fixture
def reloader(loader: Loader, applied: list[str], metrics: SelfMetrics) -> Reloader:
    made = Reloader(loader, HandClock(), metrics)
    made.start(loader(None), lambda new, _changes: applied.append(new.integrations[0].name))
    return made


@pytest.fixture
async def watched(reloader: Reloader) -> AsyncIterator[Reloader]:
    task = asyncio.create_task(reloader.watch(0.02, main_file=True))
    yield reloader
    task.cancel()


def write(path: Path, text: str) -> None:
    """Write as editors do: another file takes the name."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(path)


async def soon(applied: list[str], count: int) -> None:
    await until(lambda: len(applied) >= count)


def successful(metrics: SelfMetrics) -> float | None:
    return metrics.registry.get_sample_value("integration_exporter_config_last_reload_successful")


async def test_a_reload_swaps_the_whole_configuration(
    reloader: Reloader, loader: Loader, applied: list[str]
) -> None:
    write(loader.main, "second")
    await reloader.reload()
    assert applied == ["first", "second"]
    assert reloader.current is not None
    assert reloader.current.text == "second"


async def test_a_configuration_is_in_force_for_the_log_while_it_is_applied(loader: Loader) -> None:
    seen: list[Configuration | None] = []
    one = Reloader(loader, HandClock(), SelfMetrics())
    one.start(loader(None), lambda _new, _changes: seen.append(one.current))
    write(loader.main, "second")
    await one.reload()
    assert [one and one.text for one in seen] == ["first", "second"], (
        "what is logged meanwhile hides the new secrets"
    )


async def test_a_mistake_keeps_the_old_configuration_and_is_seen_in_the_metric(
    reloader: Reloader, loader: Loader, applied: list[str], metrics: SelfMetrics
) -> None:
    write(loader.main, "wrong")
    with pytest.raises(ConfigError, match="remove it"):
        await reloader.reload()
    assert applied == ["first"]
    assert successful(metrics) == 0
    write(loader.main, "second")
    await reloader.reload()
    assert successful(metrics) == 1


async def test_a_changed_main_file_is_noticed_by_polling(
    watched: Reloader, loader: Loader, applied: list[str]
) -> None:
    write(loader.main, "second")
    await soon(applied, 2)
    assert applied == ["first", "second"]


async def test_a_file_with_a_mistake_is_tried_once_not_at_every_look(
    watched: Reloader, loader: Loader, applied: list[str]
) -> None:
    write(loader.main, "wrong")
    await until(lambda: len(loader.texts) >= 2)
    await asyncio.sleep(0.2)
    assert len(loader.texts) == 2
    write(loader.main, "mended")
    await soon(applied, 2)
    assert applied == ["first", "mended"]


async def test_a_rotated_secret_is_read_though_the_main_file_is_half_edited(
    reloader: Reloader, loader: Loader, applied: list[str]
) -> None:
    task = asyncio.create_task(reloader.watch(0.02, main_file=False))
    write(loader.main, "wrong")
    write(loader.secret, "two")
    await soon(applied, 2)
    task.cancel()
    assert applied == ["first", "first"]
    assert loader.texts == [None, "first"]


async def test_a_rotated_secret_does_not_hide_that_the_main_file_is_wrong(
    reloader: Reloader, loader: Loader, applied: list[str], metrics: SelfMetrics
) -> None:
    write(loader.main, "wrong")
    with pytest.raises(ConfigError):
        await reloader.reload()
    task = asyncio.create_task(reloader.watch(0.02, main_file=False))
    write(loader.secret, "two")
    await soon(applied, 2)
    task.cancel()
    assert successful(metrics) == 0
    write(loader.main, "second")
    await reloader.reload()
    assert successful(metrics) == 1


async def test_nothing_is_loaded_while_no_file_changes(watched: Reloader, loader: Loader) -> None:
    await asyncio.sleep(0.2)
    assert loader.texts == [None]


async def reloaded(reloader: Reloader, loader: Loader, text: str) -> dict[str, object]:
    write(loader.main, text)
    with structlog.testing.capture_logs() as logs:
        await reloader.reload()
    return {key: logs[-1].get(key) for key in ("event", "added", "removed", "changed", "differ")}


@pytest.mark.parametrize(
    ("text", "added", "removed", "differ"),
    [
        ("first", 0, 0, None),
        ("second", 1, 1, ["first", "second"]),
        ("first a b c d e", 5, 0, ["a", "b", "c", "d", "e"]),
        ("first a b c d e f", 6, 0, None),
    ],
)
async def test_the_log_says_what_came_and_went_and_names_a_few(
    reloader: Reloader, loader: Loader, text: str, added: int, removed: int, differ: list[str] | None
) -> None:
    line = await reloaded(reloader, loader, text)
    assert line == {
        "event": "configuration loaded",
        "added": added,
        "removed": removed,
        "changed": 0,
        "differ": differ,
    }


async def test_the_log_says_what_changed(reloader: Reloader, loader: Loader) -> None:
    loader.interval = 120.0
    line = await reloaded(reloader, loader, "first")
    assert (line["added"], line["removed"], line["changed"], line["differ"]) == (0, 0, 1, ["first"])


async def test_a_file_that_changes_while_it_is_read_is_read_again(
    watched: Reloader, loader: Loader, applied: list[str]
) -> None:
    loader.meanwhile = lambda: write(loader.main, "third")
    write(loader.main, "second")
    await soon(applied, 3)
    assert applied == ["first", "second", "third"]


async def test_a_reload_that_reads_further_files_is_followed_by_none(
    reloader: Reloader, loader: Loader, tmp_path: Path
) -> None:
    further = tmp_path / "further"
    further.write_text("tenants")
    loader.more = [further]
    await reloader.reload()
    count = len(loader.texts)
    task = asyncio.create_task(reloader.watch(0.01, main_file=True))
    await asyncio.sleep(0.1)
    assert len(loader.texts) == count
    write(further, "other tenants")
    await until(lambda: len(loader.texts) > count)
    task.cancel()


async def test_news_of_tenants_that_cannot_be_loaded_are_a_line_of_the_log_and_change_nothing(
    reloader: Reloader, loader: Loader, applied: list[str], metrics: SelfMetrics
) -> None:
    def fail() -> None:
        raise ConfigError([ConfigIssue("tenants.yml", 3, "two tenants are called acme", "rename one")])

    loader.meanwhile = fail
    with structlog.testing.capture_logs() as lines:
        await reloader.apply_feed_changes()
    (line,) = lines
    assert (line["event"], line["log_level"]) == ("reload failed", "error")
    assert "two tenants are called acme" in line["mistakes"][0]
    assert (applied, successful(metrics)) == (["first"], 0)
    await reloader.apply_feed_changes()
    assert (applied, successful(metrics)) == (["first", "first"], 1)
