"""Reads a Dockerfile strictly, and does its build steps in a plain folder in place of `/`.

Only what our Dockerfile uses is known; anything else is an error, so that nothing is passed over. The grammar
is that of https://docs.docker.com/reference/dockerfile/.
"""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

NAMES = "ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|RUN|USER|VOLUME|WORKDIR"
LIMIT = 300.0
"""Seconds that one step may take."""


@dataclass(frozen=True)
class Instruction:
    """One instruction: its name, its `--flags`, and the rest of the line."""

    name: str
    flags: tuple[str, ...]
    rest: str

    @property
    def words(self) -> list[str]:
        """Return the rest as words; the exec form is JSON."""
        if self.rest.startswith("["):
            found = json.loads(self.rest)
            assert all(isinstance(word, str) for word in found)
            return list(found)
        return self.rest.split()

    def pairs(self) -> dict[str, str]:
        """Return the KEY=VALUE words."""
        found = re.findall(r'([\w.]+)=(?:"([^"]*)"|(\S+))', self.rest)
        return {key: quoted or plain for key, quoted, plain in found}


@dataclass
class Stage:
    """What stands below one FROM."""

    base: str
    name: str
    steps: list[Instruction] = field(default_factory=list)

    def one(self, name: str) -> Instruction:
        """Return the only instruction of that name."""
        (found,) = self.all(name)
        return found

    def all(self, name: str) -> list[Instruction]:
        """Return every instruction of that name."""
        return [step for step in self.steps if step.name == name]


def instructions(text: str) -> list[Instruction]:
    """Return the instructions of a Dockerfile in order."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    made = []
    for line in joined.splitlines():
        name, _, rest = line.partition(" ")
        assert re.fullmatch(NAMES, name), f"unknown instruction: {line}"
        flags = []
        while rest.lstrip().startswith("--"):
            flag, _, rest = rest.lstrip().partition(" ")
            flags.append(flag)
        made.append(Instruction(name, tuple(flags), rest.strip()))
    return made


def stages(text: str) -> tuple[dict[str, str], list[Stage]]:
    """Return the arguments before the first FROM, and the stages."""
    arguments: dict[str, str] = {}
    found: list[Stage] = []
    for step in instructions(text):
        if step.name == "FROM":
            base, _, name = step.rest.partition(" AS ")
            found.append(Stage(base, name))
        elif step.name == "ARG" and not found:
            arguments |= step.pairs()
        else:
            found[-1].steps.append(step)
    return arguments, found


class Replay:
    """Does the steps of a stage below `root` as if it were `/`, with `context` as what the build is sent."""

    def __init__(self, root: Path, context: Path, paths: tuple[str, ...], python: Path) -> None:
        """Prepare; absolute paths in commands must lie below one of `paths`."""
        self.root = root
        self._context = context
        self._paths = paths
        self._folder = "/"
        tools = root / "tools"
        tools.mkdir()
        (tools / "python").symlink_to(python)
        self._environment = {"PATH": f"{tools}:/usr/bin:/bin", "HOME": os.environ.get("HOME", "/root")}

    def run(self, stage: Stage) -> None:
        """Do every step in order."""
        for step in stage.steps:
            match step.name:
                case "ENV":
                    self._environment |= step.pairs()
                case "WORKDIR":
                    self._folder = step.rest
                    self.at(step.rest).mkdir(parents=True, exist_ok=True)
                case "COPY":
                    self._copy(step)
                case "RUN":
                    self._command(step)
                case _:
                    raise AssertionError(f"not known in a build stage: {step}")

    def at(self, path: str) -> Path:
        """Return where `path` of the image lies here."""
        return self.root / path.lstrip("/")

    def moved(self, text: str) -> str:
        """Return `text` with the image's absolute paths replaced by those here."""
        found = re.findall(r"(?<![\w.}$:/-])/[\w.-]+", text)
        assert set(found) <= {"/" + path.split("/")[1] for path in self._paths}, found
        for path in self._paths:
            text = re.sub(rf"(?<![\w/]){re.escape(path)}(?![\w-])", str(self.at(path)), text)
        return text

    def _copy(self, step: Instruction) -> None:
        assert not step.flags
        *sources, target = step.words
        into = self.at(f"{self._folder}/{target}")
        for source in sources:
            here = self._context / source
            place = into / here.name if target.endswith("/") else into
            place.parent.mkdir(parents=True, exist_ok=True)
            if here.is_dir():
                shutil.copytree(here, place, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
            else:
                shutil.copyfile(here, place)

    def _command(self, step: Instruction) -> None:
        assert all(flag.startswith("--mount=type=cache,") for flag in step.flags), step.flags
        done = subprocess.run(
            ["/bin/sh", "-c", self.moved(step.rest)],
            cwd=self.at(self._folder),
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
        assert done.returncode == 0, f"{step.rest}\n{done.stdout}\n{done.stderr}"
