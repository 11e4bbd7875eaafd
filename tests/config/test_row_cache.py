"""Rows of tenants that did not change are not made again by the next load, wherever they are."""

from pathlib import Path

import pytest

from exporter import registry
from exporter.config.feeds.feeds import Feeds
from exporter.config.feeds.row_cache import print_of
from exporter.config.load import load_file
from exporter.core.configuration import Configuration
from exporter.core.errors import ConfigError

HEAD = """integrations:
  - name: shop
    provider: http
    options: {url: 'http://127.0.0.1:9/'}
    tenants:
"""
ROW = "{{id: {id}, labels: {{place: {place}}}, options: {{auth: {{bearer: {{token: {token}}}}}}}}}"


class Disk:
    """A configuration whose rows are in a list or in a file, loaded again and again with one memory."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder, self.kind = folder, kind
        self.feeds = Feeds()
        self.environ: dict[str, str] = {}

    def load(self, *rows: str) -> Configuration:
        indent = "        - " if self.kind == "list" else "- "
        text = "".join(f"{indent}{row}\n" for row in rows)
        main = f"      list:\n{text}" if self.kind == "list" else "      files: [rows.yml]\n"
        (self.folder / "rows.yml").write_text(text)
        (self.folder / "config.yml").write_text(HEAD + main)
        path = str(self.folder / "config.yml")
        return load_file(path, registry.catalogue(), self.environ, self.feeds)


@pytest.fixture(params=["list", "files"])
def disk(tmp_path: Path, request: pytest.FixtureRequest) -> Disk:
    return Disk(tmp_path, request.param)


def row(name: str, token: str = "a-token-of-many-letters", place: str = "north") -> str:
    return ROW.format(id=name, token=token, place=place)


def test_a_row_that_did_not_change_gives_the_very_same_target(disk: Disk) -> None:
    first = disk.load(row("a"), row("b", "secret-number-one"), row("c"))
    second = disk.load(row("c"), row("b", "secret-number-two"), row("a"))
    assert [key for _, key in second.targets] == ["c", "b", "a"]
    for name in "ac":
        assert second.targets["shop", name] is first.targets["shop", name]
    assert second.targets["shop", "b"].options.auth.bearer.token.reveal() == "secret-number-two"
    assert {"a-token-of-many-letters", "secret-number-two"} <= second.secrets
    assert "secret-number-one" not in second.secrets


def test_another_default_makes_every_row_again(disk: Disk) -> None:
    first = disk.load(row("a"))
    global_labels = HEAD.replace("    tenants:\n", "    labels: {plan: gold}\n    tenants:\n")
    (disk.folder / "config.yml").write_text(
        (disk.folder / "config.yml").read_text().replace(HEAD, global_labels)
    )
    path = str(disk.folder / "config.yml")
    second = load_file(path, registry.catalogue(), {}, disk.feeds)
    assert dict(second.targets["shop", "a"].labels)["plan"] == "gold"
    assert "plan" not in dict(first.targets["shop", "a"].labels)


def test_a_row_with_a_variable_is_made_again_with_its_new_value(disk: Disk) -> None:
    disk.environ["TOKEN"] = "the-first-value-of-it"
    text = row("a", '"${TOKEN}"')
    assert "the-first-value-of-it" in disk.load(text).secrets
    disk.environ["TOKEN"] = "the-second-value-of-it"
    found = disk.load(text)
    assert found.targets["shop", "a"].options.auth.bearer.token.reveal() == "the-second-value-of-it"
    # Written out it is the same text, and no variable hides it.
    assert disk.load(row("a", "the-second-value-of-it")).targets["shop", "a"].hidden == frozenset()


def test_a_secret_file_of_a_row_is_read_again_and_watched(disk: Disk) -> None:
    secret = disk.folder / "secret"
    text = f"{{id: a, options: {{auth: {{bearer: {{token_file: {secret}}}}}}}}}"
    secret.write_text("what-was-in-it-first")
    disk.load(text)
    secret.write_text("what-is-in-it-now")
    found = disk.load(text)
    assert found.targets["shop", "a"].options.auth.bearer.token.reveal() == "what-is-in-it-now"
    assert str(secret) in found.files


def test_a_label_that_holds_the_credential_of_a_row_that_changed_is_still_found(disk: Disk) -> None:
    disk.load(row("a", place="a-place-of-many-letters"), row("b"))
    with pytest.raises(ConfigError, match="holds a credential") as caught:
        disk.load(row("a", place="a-place-of-many-letters"), row("b", "a-place-of-many-letters"))
    first = 7 if disk.kind == "list" else 1
    assert [mistake.line for mistake in caught.value.mistakes] == [first]


def test_a_row_given_twice_is_a_mistake_in_a_later_load_too(disk: Disk) -> None:
    disk.load(row("a"), row("b"))
    with pytest.raises(ConfigError, match="twice"):
        disk.load(row("a"), row("b"), row("a"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1}, {"a": True}),
        ({"a": 1}, {"a": 1.0}),
        ({"a": None}, {"a": float("nan")}),
        ({"a": "1"}, {"a": 1}),
    ],
)
def test_values_that_python_takes_for_equal_have_prints_of_their_own(one: object, other: object) -> None:
    assert print_of("file", one) != print_of("file", other)
    assert print_of("file", one) == print_of("file", dict(one))  # type: ignore[call-overload]  # both are mappings
    assert print_of("file", one) != print_of("list", one)
