"""Loads the configuration: from a file, from a text, or from the environment alone."""

import gc
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from exporter.config import environment
from exporter.config.assemble import assemble, failure
from exporter.config.catalogue import Catalogue
from exporter.config.document.files import FileProblem, read_text
from exporter.config.document.source import Source, YamlSource, read_yaml
from exporter.config.document.values import Expander
from exporter.config.feeds.feeds import Feeds
from exporter.config.feeds.load import FeedLoad
from exporter.config.hints import files_passed_over, variables_passed_over, with_hints
from exporter.config.load_context import LoadContext
from exporter.config.redactor import Redactor
from exporter.core.configuration import Configuration
from exporter.core.defaults import CONFIG_FILE
from exporter.core.errors import ConfigError

PASSES = 4
"""Most passes of one load: each leaves out the rows from outside that the one before found wrong."""


def load_file(
    path: str | None, catalogue: Catalogue, environ: Mapping[str, str], feeds: Feeds | None = None
) -> Configuration:
    """Return the configuration in the file `path`, or raise ConfigError with all its mistakes.

    Without a path the default file is read where it exists; else the environment alone is used. Tenants from
    outside are asked for again; `feeds` remembers their last good rows.
    """
    if path is None:
        # A dangling link counts as a file that was meant: it is read, and its mistake reported.
        if not os.path.lexists(CONFIG_FILE):
            alone = environment.load(catalogue, environ)
            passed = variables_passed_over(environ, catalogue, alone)
            return with_hints(alone, chain(files_passed_over(CONFIG_FILE), passed))
        found = load_file(CONFIG_FILE, catalogue, environ, feeds)
        return with_hints(found, files_passed_over(CONFIG_FILE))
    try:
        text = read_text(path).text
    except FileProblem as problem:
        context = LoadContext(environ, base=".", files={path}, catalogue=catalogue)
        context.add_error((path, 0), problem.what, problem.remedy)
        raise failure(context) from None
    return _load(text, path, catalogue, environ, FeedLoad(feeds or Feeds(), fresh=True))


def load_text(
    text: str,
    path: str | None,
    catalogue: Catalogue,
    environ: Mapping[str, str],
    feeds: Feeds | None = None,
) -> Configuration:
    """Return the configuration in the YAML `text`, which is read in place of the file `path`.

    Relative file names in it start from the folder of `path`. Raises ConfigError with all mistakes. Tenants
    from outside are those that `feeds` knows; it asks only for those it does not know.
    """
    return _load(text, path, catalogue, environ, FeedLoad(feeds or Feeds(), fresh=False))


def _load(
    text: str, path: str | None, catalogue: Catalogue, environ: Mapping[str, str], load: FeedLoad
) -> Configuration:
    base = str(Path(path).absolute().parent if path else Path.cwd())
    for left in reversed(range(PASSES)):
        context = LoadContext(environ, base, catalogue=catalogue, feeds=load)
        try:
            configuration = _one_pass(context, text, path)
        except ConfigError as error:
            # cleaned here, because the next pass may not read the rows that a credential is from
            clean = Redactor(context.confidential).clean
            if not load.set_aside(context.mistakes, clean, for_good=left <= 1) or not left:
                raise ConfigError(load.shortened(error.mistakes), error.files) from None
            continue
        if wrong := load.fruitless():
            raise ConfigError(load.shortened(wrong), configuration.files)
        # Only now: a load with a mistake changes nothing of what the feeds remember.
        load.commit()
        return configuration
    raise AssertionError("the last pass returns or raises")


def _one_pass(context: LoadContext, text: str, path: str | None) -> Configuration:
    if path:
        context.files.add(path)
    with without_collection():
        source = read_yaml(text, path or "configuration", Expander(context.environ), context.add_error)
        if source is None:
            raise failure(context)
        configuration = assemble(context, source, path, text)
        _let_go(context, source)
        return configuration


def _let_go(context: LoadContext, source: Source) -> None:
    """Free what was read, a node at a time.

    All at once, the nodes of ten thousand rows hold the interpreter for a tenth of a second, and with it the
    event loop that goes on while a reload is under way.
    """
    documents = [source, *filter(None, context.documents.values())]
    context.public.clear()
    context.documents.clear()
    nodes = [one.root for one in documents if isinstance(one, YamlSource) and one.root is not None]
    for one in documents:
        one.value = None
    while nodes:
        node = nodes.pop()
        # Scalars have a text there, collections a list of nodes, or of pairs of them.
        if isinstance(node.value, list):
            for child in node.value:
                nodes += child if isinstance(child, tuple) else (child,)
        node.value = None


@contextmanager
def without_collection() -> Iterator[None]:
    """Hold the cycle collector: it would go through all rows again and again, and takes 40 % of a load.

    Within another such time it does nothing of its own.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
