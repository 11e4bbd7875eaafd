"""The flags of `init`."""

import argparse


def add_init(init: argparse.ArgumentParser, default: str) -> None:
    """Add them; `default` is the file that is written."""
    add = init.add_argument
    text = "a provider that you use, with its URL or host:port where it has one; may be repeated"
    add("--provider", action="append", metavar="NAME[=VALUE]", help=text)
    text = "an option of it; a secret as a path or as '${NAME}'; may be repeated"
    add("--set", action="append", metavar="PROVIDER.OPTION=VALUE", help=text)
    add("--yes", action="store_true", help="ask nothing and take what is usual")
    add("--out", default=default, metavar="PATH", help="default: %(default)s; never overwritten")
