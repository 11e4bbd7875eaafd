"""One line of the table of goals."""

from typing import NamedTuple


class Row(NamedTuple):
    """What was measured: `met` tells whether `reached` is within `goal`; both are for people."""

    name: str
    what: str
    goal: str
    reached: str
    met: bool
    command: str

    def markdown(self) -> str:
        """Return it as a row of a Markdown table."""
        verdict = "met" if self.met else "**missed**"
        return f"| {self.name} | {self.what} | {self.goal} | {self.reached} | {verdict} | `{self.command}` |"


HEAD = "| # | What | Goal | Reached | | Command |\n|---|---|---|---|---|---|"
