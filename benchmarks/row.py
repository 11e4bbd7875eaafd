"""One line of the table of goals."""

from typing import NamedTuple


class Row(NamedTuple):
    """What was measured: `met` tells whether `reached` is within `goal`, None where nothing was measured.

    `reached` and `goal` are for people.
    """

    name: str
    what: str
    goal: str
    reached: str
    met: bool | None
    command: str

    def markdown(self) -> str:
        """Return it as a row of a Markdown table."""
        verdict = {True: "met", False: "**missed**", None: "not measured"}[self.met]
        return f"| {self.name} | {self.what} | {self.goal} | {self.reached} | {verdict} | `{self.command}` |"


HEAD = "| # | What | Goal | Reached | | Command |\n|---|---|---|---|---|---|"
