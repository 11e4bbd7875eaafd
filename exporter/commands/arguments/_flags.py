"""Flags that several commands take."""

import argparse

from exporter.core.defaults import (
    CONFIG_FILE,
    EXPORTER_URL,
    TOKEN_FILE_VARIABLE,
    TOKEN_VARIABLE,
    URL_VARIABLE,
)

URL_DEFAULT = f"default: ${URL_VARIABLE}, or {EXPORTER_URL}"


def add_config_file(
    command: argparse.ArgumentParser,
    default: str = f"default: {CONFIG_FILE} if it is there, else the environment alone",
) -> None:
    """Add the flag that names the configuration; `default` says what is read without it."""
    # Flags have dots as those of Prometheus; `dest`, because an attribute cannot have one.
    command.add_argument("--config.file", dest="config_file", metavar="PATH", help=default)


def add_shard(command: argparse.ArgumentParser) -> None:
    """Add which part of the targets is meant; see commands/loading.py."""
    add = command.add_argument
    text = "how many processes share the targets; default: %(default)s"
    add("--shard.count", dest="shard_count", type=int, default=1, metavar="N", help=text)
    text = "which of them this is, counted from 0; default: %(default)s"
    add("--shard.index", dest="shard_index", type=int, default=0, metavar="N", help=text)


def add_filter(command: argparse.ArgumentParser) -> None:
    """Add which targets are meant."""
    command.add_argument("--integration", metavar="NAME", help="only this integration")
    command.add_argument("--tenant", metavar="ID", help="only this tenant")


def add_api_client(command: argparse.ArgumentParser) -> None:
    """Add how a running exporter is reached (see commands/api_client.py), and the form of the output."""
    add = command.add_argument
    add("--exporter.url", dest="exporter_url", metavar="URL", help=URL_DEFAULT)
    text = (
        f"file with a bearer token; default: ${TOKEN_VARIABLE}, ${TOKEN_FILE_VARIABLE}, "
        "or the admin token of an exporter on this machine"
    )
    add("--token-file", dest="token_file", metavar="PATH", help=text)
    add("--ca-file", dest="ca_file", metavar="PATH", help="authority of the exporter's certificate")
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print each row as one line of JSON")
    form.add_argument("--csv", action="store_true", help="print the rows as CSV")


def positive(text: str) -> int:
    """Return the number in `text`, at least 1; else argparse reports an error that names the flag."""
    # A ValueError is enough for words: argparse reports it as an invalid value.
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("give a number from 1 on")
    return number
