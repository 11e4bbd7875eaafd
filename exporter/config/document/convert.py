"""Makes raw values fit their types: secret files are read, `${ENV}` numbers become numbers."""

import re
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import msgspec
from msgspec import inspect

from exporter.config.document.context import DocumentContext, Path, Public, Use
from exporter.config.document.credentials import hidden_texts, url_passwords
from exporter.config.document.files import UNNAMED, FileProblem, below, check_readable, read_secret
from exporter.config.document.source import Source
from exporter.config.document.values import (
    Expanded,
    Missing,
    MissingSecret,
    Verbatim,
    boolean,
    is_missing,
    scalar,
)
from exporter.core.options import extra_of, twin_fields
from exporter.core.quoting import is_plain_key, is_plain_path
from exporter.core.secret import Secret

TWIN = "_file"

SHELL_REFERENCE = re.compile(r"(?:[A-Za-z]+ )?\$([A-Z][A-Z0-9_]{2,})")
"""A whole value that a shell would take for a variable, also behind the scheme of an Authorization header."""


@dataclass(frozen=True)
class Rules:
    """What the values of one source may do.

    With `secrets_dir` its rows may name only plain files in that folder. `exclusive` asks that a
    secret file of theirs is named by no other tenant and by nothing else of the configuration. Rows from
    `outside` may name no file without `secrets_dir`. Addresses in `guarded` rows must be public, or lie in
    one of `networks`.
    """

    secrets_dir: str = ""
    exclusive: bool = False
    outside: bool = False
    guarded: bool = False
    networks: tuple[str, ...] = ()


TRUSTED = Rules()


@dataclass
class Converter:
    """Fits the values of one source. `owner` is the tenant they belong to, None for the configuration's own.

    With `only_checks` nothing is read: twins stay as they are, so that the schema can judge them. `hidden`
    gathers the values that may not show although their type is not Secret. `words` are the only keys that
    messages may quote, None where every plain one is; with them no path is quoted either. `incomplete` says
    that a value could not be had: that the rest does not fit is then not a mistake of its own.
    """

    context: DocumentContext
    source: Source
    rules: Rules = TRUSTED
    owner: str | None = None
    only_checks: bool = False
    prefix: Path = ()
    words: frozenset[str] | None = None
    incomplete: bool = False
    hidden: set[str] = field(default_factory=set)

    def coerce(self, value: Any, kind: Any, path: Path = ()) -> Any:
        """Return `value` as its type `kind` (a msgspec.inspect type) wants it; misfits stay as they are."""
        while isinstance(kind, inspect.Metadata):
            if extra := kind.extra:
                if extra.get("raw"):
                    return value
                if isinstance(value, Expanded) and (extra.get("path") or extra.get("public")):
                    return self._open(value, extra)
                if isinstance(value, Verbatim) and extra.get("verbatim"):
                    return value if self.only_checks else str(value)
            kind = kind.type
        if isinstance(kind, inspect.UnionType):
            return self._union(value, kind, path)
        if isinstance(kind, inspect.StructType):
            return self._struct(value, kind.cls, path) if isinstance(value, dict) else value
        if isinstance(kind, inspect.CustomType):
            return self._secret(value, path) if kind.cls is Secret and isinstance(value, str) else value
        if isinstance(value, str):
            return self._text(value, kind)
        return self._many(value, kind, path)

    def _open(self, value: Expanded, marks: Mapping[str, Any]) -> str:
        """Return a text that shows: where files are is not a credential, and a public text may not be one."""
        if marks.get("public"):
            self.context.remember_variables(value, only_sure=True)
        return value if self.only_checks else str(value)

    def _union(self, value: Any, kind: Any, path: Path) -> Any:
        # Nearly all unions are `X | None`: the value is for X. Of others, the first whose shape fits.
        kinds = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
        if len(kinds) == 1:
            return value if value is None else self.coerce(value, kinds[0], path)
        if isinstance(value, Expanded):
            return next(
                (made for one in kinds if not isinstance(made := self._text(value, one), str)), str(value)
            )
        nested = (one for one in kinds if _fits_shape(value, one))
        found = next(nested, None)
        return value if found is None else self.coerce(value, found, path)

    def _many(self, value: Any, kind: Any, path: Path) -> Any:
        if isinstance(kind, inspect.DictType) and isinstance(value, dict):
            # A key may say that its value is a credential (`headers: {X-Api-Key: ...}`); labels are for all
            # to see.
            if path[-1:] != ("labels",):
                for key, item in value.items():
                    self.context.remember_named(str(key), item)
            return {key: self.coerce(item, kind.value_type, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            item_type = getattr(kind, "item_type", None)
            if item_type is not None:
                return [self.coerce(item, item_type, (*path, index)) for index, item in enumerate(value)]
        if isinstance(kind, inspect.AnyType):
            for text in expanded_in(value):
                self.hidden |= self.context.remember_variables(text)
            return unmarked(value)
        return value

    def _text(self, value: str, kind: Any) -> Any:
        self.context.secrets.update(url_passwords(value))
        if not isinstance(value, Expanded):
            return value
        self.hidden |= self.context.remember_variables(value)
        if self.only_checks and isinstance(value, Missing):
            return value
        if isinstance(kind, inspect.BoolType):
            meant_bool = boolean(value)
            return value if meant_bool is None else meant_bool
        meant = scalar(value)
        if isinstance(kind, inspect.IntType | inspect.FloatType):
            # bool is an int in Python, but `true` is not a number of the file.
            number = isinstance(meant, int | float) and not isinstance(meant, bool)
            return meant if number else value
        if isinstance(value, Verbatim) and not isinstance(value.meaning, str):
            return value.meaning
        return value if self.only_checks or isinstance(value, Missing) else str(value)

    def _secret(self, value: str, path: Path) -> Any:
        if isinstance(value, Verbatim) and not isinstance(value.meaning, str):
            return value.meaning
        if self.only_checks:
            return value
        if isinstance(value, Missing):
            return MissingSecret("")
        if not isinstance(value, Expanded) and self.rules is TRUSTED:
            self._check_reference(value, path)
        self.context.remember_secret(str(value))
        return Secret(str(value))

    def _check_reference(self, value: str, path: Path) -> None:
        """Refuse a credential that looks like a variable as a shell writes it; it is never quoted."""
        found = SHELL_REFERENCE.fullmatch(value)
        if found:
            name = found[1] if found[1] in self.context.environ else "NAME"
            title = self.title(path) or "a credential"
            what = f"{title}: a $ and a name stand for no variable"
            self.add_error(path, what, f"write ${{{name}}}; a credential that begins with $ goes into a file")

    def _struct(self, value: dict[str, Any], cls: type[msgspec.Struct], path: Path) -> dict[str, Any]:
        fields, twins, files, lists = _fields(cls), _twins(cls), _file_fields(cls), _file_lists(cls)
        made: dict[str, Any] = {}
        for key, item in value.items():
            here = (*path, key)
            if key in twins and isinstance(item, str) and not self.only_checks:
                # Both are a mistake, and the file is read all the same, so that its own mistakes show in this
                # round.
                if twins[key] in value:
                    self._add_both(here, twins[key])
                made[twins[key]] = self._twin(self._read(item, here), fields[twins[key]])
            elif key in lists and _is_texts(item) and not self.only_checks:
                if lists[key] in value:
                    self._add_both(here, lists[key])
                made[lists[key]] = [self._read(name, (*here, index)) for index, name in enumerate(item)]
            elif key in files and isinstance(item, str) and item and not self.only_checks:
                made[key] = self._named(item, here)
            elif key in fields:
                if key not in made:
                    made[key] = self.coerce(item, fields[key], here)
            else:
                made[key] = item
        return made

    def _twin(self, content: Secret, kind: Any) -> Secret | str:
        """Return what a twin's file holds as its field wants it: of a text everything is hidden."""
        if not extra_of(kind).get("twin"):
            return content
        if is_missing(content):
            return Missing.of("", "")
        text = content.reveal().strip()
        texts = hidden_texts(text, sure=True)
        self.context.secrets.update(texts)
        self.hidden |= texts
        return text

    def _add_both(self, path: Path, name: str) -> None:
        self.add_error(path, f"both {name} and {path[-1]} are set", "keep one of them")

    def add_error(self, path: Path, what: str, remedy: str) -> None:
        """Add a mistake at `path` below the prefix."""
        self.context.add_error(self.source.place((*self.prefix, *path)), what, remedy)

    def show(self, text: str, what: str) -> None:
        """Remember that `text` is public."""
        self.context.public.append(Public(text, what, partial(self.source.place, self.prefix)))

    def _read(self, name: str, path: Path) -> Secret:
        if isinstance(name, Missing):
            self.incomplete = True
            return MissingSecret("")
        try:
            file = self._path(str(name))
            content = read_secret(file, self._quotable(str(name), file))
        except FileProblem as problem:
            self._add_problem(path, problem)
            return MissingSecret("")
        self._used(content.identity, str(name), path)
        self.context.remember_secret(content.text)
        return Secret(content.text, file)

    def _named(self, name: str, path: Path) -> str:
        if isinstance(name, Missing):
            return name
        try:
            file = self._path(str(name))
            check_readable(file, self._quotable(str(name), file))
        except FileProblem as problem:
            self._add_problem(path, problem)
            return Missing.of("", "")
        return file

    def _add_problem(self, path: Path, problem: FileProblem) -> None:
        self.incomplete = True
        key = next(step for step in reversed(path) if isinstance(step, str))
        self.add_error(path, f"{key}: {problem.what}", problem.remedy)

    def _quotable(self, name: str, file: str) -> str:
        """Return `file` as messages may quote it: not where its name may be a slipped credential."""
        return file if self.words is None and is_plain_path(name) else UNNAMED

    def title(self, path: Path) -> str:
        """Return the key that messages name the value at `path` by, "" where none may be quoted."""
        keys = [step for step in reversed(path) if isinstance(step, str)]
        if self.words is None:
            return keys[0] if keys and is_plain_key(keys[0]) else ""
        return next((key for key in keys if key in self.words), "")

    def _path(self, name: str) -> str:
        if not name:
            raise FileProblem("no file is named", "name a file, or remove the key")
        folder = self.rules.secrets_dir
        if self.rules.outside and not folder:
            raise FileProblem(
                "a row from outside names a file, and there is no tenants.secrets_dir",
                "write the value itself, or set tenants.secrets_dir",
            )
        file = below(folder, name) if folder else self.context.path(name)
        # Watched by its name, not by its real path: a link that leads elsewhere now is a change.
        self.context.files.add(self.context.path(f"{folder}/{name}") if folder else file)
        return file

    def _used(self, identity: tuple[int, int], name: str, path: Path) -> None:
        rules = self.rules
        place = self.source.place((*self.prefix, *path)) if rules.exclusive else ("", 0)
        self.context.uses.append(Use(identity, self.owner, rules.exclusive, place, name, rules.outside))


def as_struct(value: Any, cls: type[Any]) -> Any:
    """Return fitted `value` as `cls`; msgspec.ValidationError when it is none."""
    return msgspec.convert(value, cls, dec_hook=_decode)


def _decode(cls: type[Any], value: Any) -> Any:
    if cls is Secret and isinstance(value, str):
        return Secret(value)
    return value


def unmarked(value: Any) -> Any:
    """Return `value` with every Expanded inside turned into plain text."""
    if isinstance(value, dict):
        return {key: unmarked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [unmarked(item) for item in value]
    return str(value) if isinstance(value, Expanded) else value


def expanded_in(value: Any) -> Iterator[Expanded]:
    """Yield every Expanded inside `value`."""
    if isinstance(value, Expanded):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from expanded_in(item)


def root_type(cls: Any) -> Any:
    """Return the msgspec.inspect type of `cls`, remembered."""
    return _root_type(cls)


@cache
def _root_type(cls: Hashable) -> Any:
    return inspect.type_info(cls)


@cache
def _fields(cls: type[msgspec.Struct]) -> dict[str, Any]:
    info: Any = inspect.type_info(cls)
    return {field.encode_name: field.type for field in info.fields}


@cache
def _twins(cls: type[msgspec.Struct]) -> dict[str, str]:
    fields = _fields(cls)
    # Where a type declares the `*_file` key itself, the code of that type reads the file.
    return {f"{name}{TWIN}": name for name in twin_fields(cls) if f"{name}{TWIN}" not in fields}


@cache
def _file_lists(cls: type[msgspec.Struct]) -> dict[str, str]:
    """Return the keys that name a file for each credential of a list, and the fields they stand for."""
    return {f"{name}{TWIN}s": name for name, kind in _fields(cls).items() if _is_secret_list(kind)}


@cache
def _file_fields(cls: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset(
        name
        for name, kind in _fields(cls).items()
        if name.endswith(TWIN) and _is_text_type(kind) and not _is_elsewhere(kind)
    )


def twins(cls: type[msgspec.Struct]) -> dict[str, str]:
    """Return the `*_file` keys of `cls` and the fields they stand for."""
    return _twins(cls)


def fields(cls: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the fields of `cls` and their msgspec.inspect types."""
    return _fields(cls)


def _is_elsewhere(kind: Any) -> bool:
    """Return whether the file is one of another machine; see core/generation.py."""
    return isinstance(kind, inspect.Metadata) and bool((kind.extra or {}).get("elsewhere"))


def _is_secret_list(kind: Any) -> bool:
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    item = getattr(kind, "item_type", None)
    return isinstance(item, inspect.CustomType) and item.cls is Secret


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_text_type(kind: Any) -> bool:
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(kind, inspect.UnionType):
        return any(map(_is_text_type, kind.types))
    return isinstance(kind, inspect.StrType)


def _fits_shape(value: Any, kind: Any) -> bool:
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(value, dict):
        return isinstance(kind, inspect.StructType | inspect.DictType)
    return isinstance(value, list) and hasattr(kind, "item_type")
