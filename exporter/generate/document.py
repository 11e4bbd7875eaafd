"""Generated text: YAML and Markdown that is the same on every machine and says where it comes from."""

from collections.abc import Sequence
from typing import Any

import yaml

MARK = "generated, do not edit"
"""Every generated file that can hold a remark says this in its first line."""

NOTICE = f"{MARK}; make generate"
"""The first line of the files that are checked in."""

BUNDLE_NOTICE = f"{MARK}; integration-exporter generate --config.file FILE --out DIR"
"""The first line of the files of a user's own configuration."""


class _Dumper(yaml.SafeDumper):
    """Writes mappings in the order given, lists indented, and texts of several lines as blocks."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent lists below their key, as people write them."""
        del indentless
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        """Write equal values out: anchors are hard to read."""
        del data
        return True


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def as_yaml(content: dict[str, Any], *remarks: str, notice: str = NOTICE) -> str:
    """Return `content` as YAML below the notice and `remarks`, which become comments."""
    # The width is never reached: an expression that YAML folds is hard to copy and to compare.
    head = "".join(f"# {line}\n" for line in (notice, *remarks))
    return head + yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)


def as_markdown(*parts: str, notice: str = NOTICE) -> str:
    """Return Markdown below the notice: `parts` with an empty line between them."""
    return "\n\n".join((f"<!-- {notice} -->", *(part.strip() for part in parts))) + "\n"


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return a Markdown table; bars inside cells are escaped."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
