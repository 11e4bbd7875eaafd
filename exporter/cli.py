"""The command `integration-exporter`. Heavy imports stand inside the commands, so that --help is quick."""

import argparse
import sys
from collections.abc import Callable, Sequence

from exporter import __version__
from exporter.commands.arguments.generate import add_generate
from exporter.commands.arguments.init import add_init
from exporter.commands.usage import Parser, read
from exporter.core import hangup

DEFAULT_FILE = "integration-exporter.yml"
DEFAULT_ADDRESS = "127.0.0.1:10055"
WINDOWS = ("1h", "24h", "7d", "30d", "90d")
SHELLS = ("bash", "zsh", "fish")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0, 1 for a mistake of the operator's, 2 for wrong usage."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if arguments is None and (words[:1] in ([], ["run"]) or words[0].startswith("-")):
        hangup.hold()  # first of all: a reload that is asked for while we start must not end us
    options = read(parser(), words, "run")  # answers --help, before anything else is imported
    if options.command is not _run:
        hangup.release()
    from exporter.core.errors import ConfigError, StartError

    try:
        return int(options.command(options))
    except ConfigError as error:
        for mistake in error.mistakes:
            print(mistake, file=sys.stderr)
        count = len(error.mistakes)
        print(
            f"{count} mistake{'s' if count > 1 else ''} in the configuration; nothing was done",
            file=sys.stderr,
        )
    except StartError as error:
        print(f"integration-exporter: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 1


def parser() -> Parser:
    """Return the parser of every command."""
    top = Parser(
        prog="integration-exporter",
        description="Prometheus exporter for the third-party integrations of a SaaS platform.",
        epilog="Without a command the exporter runs: integration-exporter --config.file my.yml. "
        "Each command has its own flags: integration-exporter run --help.",
    )
    top.add_argument("--version", action="version", version=f"integration-exporter {__version__}")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_run(_command(commands, "run", "the exporter: probe every target, serve /metrics (default)", _run))
    text = "a first configuration, from what you use"
    add_init(_command(commands, "init", text, _init, config=False), DEFAULT_FILE)
    _add_shard(_command(commands, "check", "every mistake of the configuration; nothing is started", _check))
    _add_probe(
        _command(commands, "probe", "one integration, probed once: its log, samples and times", _probe)
    )
    text = "Prometheus rules, Alertmanager routes, dashboards: files"
    add_generate(_command(commands, "generate", text, _generate))
    text = "simulated vendors on this machine, to try things on"
    sandbox = _command(commands, "sandbox", text, _sandbox, config=False)
    text = "host:port of the controls; the vendors take the ports behind it, two each; default: %(default)s"
    sandbox.add_argument("--listen", default="127.0.0.1:10070", metavar="ADDRESS", help=text)
    text = "the whole product against simulated vendors"
    demo = _command(commands, "demo", text, _demo, config=False)
    _add_config_file(demo, "default: one that comes with the demo")
    demo.add_argument("--once", action="store_true", help="end when the first notification has arrived")
    _add_lists(commands)
    _add_tokens(commands)
    text = "environment, store, vendors, monitoring: what to fix, how"
    _add_doctor(_command(commands, "doctor", text, _doctor))
    text = "readiness of a running exporter, as an exit code"
    healthcheck = _command(commands, "healthcheck", text, _healthcheck, config=False)
    healthcheck.add_argument(
        "url",
        nargs="?",
        metavar="URL",
        help="the exporter, or with a path any page that answers 200; "
        f"default: $INTEGRATION_EXPORTER_URL, or http://{DEFAULT_ADDRESS}",
    )
    text = "the JSON Schema of the configuration file, for editors"
    _command(commands, "schema", text, _schema, config=False)
    text = "words that your shell completes"
    completion = _command(commands, "completion", text, _completion, config=False)
    completion.add_argument("shell", choices=SHELLS)
    return top


def _command(
    commands: "argparse._SubParsersAction[Parser]",
    name: str,
    text: str,
    function: Callable[[argparse.Namespace], int],
    *,
    config: bool = True,
) -> Parser:
    command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    command.set_defaults(command=function)
    if config:
        _add_config_file(command)
    return command


def _add_config_file(
    command: argparse.ArgumentParser,
    default: str = f"default: {DEFAULT_FILE} if it is there, else the environment alone",
) -> None:
    command.add_argument("--config.file", dest="config_file", metavar="PATH", help=default)


def _add_run(run: argparse.ArgumentParser) -> None:
    add = run.add_argument
    add("--config.check", dest="config_check", action="store_true", help="list every mistake and exit")
    add(
        "--config.poll-interval",
        dest="poll_interval",
        default="0s",
        metavar="DURATION",
        help="look for a changed configuration file this often; 0s: only on SIGHUP and POST /-/reload",
    )
    add(
        "--web.listen-address",
        dest="listen_addresses",
        action="append",
        metavar="ADDRESS",
        help=f"may be repeated; default: {DEFAULT_ADDRESS}",
    )
    add("--web.config.file", dest="web_config", metavar="PATH", help="TLS, users, tokens and roles")
    add(
        "--web.admin-token-file",
        dest="admin_token_file",
        metavar="PATH",
        help="the token for changes while no access is configured; it is made where there is none; "
        "default: admin-token in the folder of its state",
    )
    add("--web.external-url", dest="external_url", default="", metavar="URL", help="how browsers reach it")
    add(
        "--web.route-prefix",
        dest="route_prefix",
        metavar="PATH",
        help="default: the path of --web.external-url",
    )
    add(
        "--shutdown.timeout",
        dest="shutdown_timeout",
        default="10s",
        metavar="DURATION",
        help="default: %(default)s",
    )
    _add_shard(run)
    add(
        "--sd.address",
        dest="sd_addresses",
        action="append",
        metavar="ADDRESS",
        help="where Prometheus reaches the processes, for /api/v1/sd: host:port, with {shard} and {replica}; "
        "may be repeated",
    )
    levels = ("debug", "info", "warn", "error")
    add("--log.level", dest="log_level", default="info", choices=levels, help="debug: each probe is a line")
    add("--log.format", dest="log_format", default="logfmt", choices=("logfmt", "json"))


def _add_shard(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add(
        "--shard.count",
        dest="shard_count",
        type=int,
        default=1,
        metavar="N",
        help="how many processes share the targets; default: %(default)s",
    )
    add(
        "--shard.index",
        dest="shard_index",
        type=int,
        default=0,
        metavar="N",
        help="which of them this is, counted from 0; default: %(default)s",
    )


def _add_probe(probe: argparse.ArgumentParser) -> None:
    probe.add_argument("name", metavar="NAME", help="name of the integration")
    probe.add_argument("--tenant", default="", help="id of the tenant")
    probe.add_argument("-v", "--verbose", action="store_true", help="print the log of the run")


def _add_lists(commands: "argparse._SubParsersAction[Parser]") -> None:
    for name, text, since in (
        ("errors", "failed checks of a running exporter, newest first", "only what happened since then"),
        ("changes", "changes of state, newest first", "only what happened since then"),
        (
            "tenants",
            "tenants and how their integrations are, worst first",
            "only what changed since then",
        ),
    ):
        command = _command(commands, name, text, _list, config=False)
        _add_choice(command)
        command.add_argument("--since", metavar="TIME", help=f"{since}: 2h, 7d, or 2026-11-21T08:00:00Z")
        command.add_argument(
            "--limit", type=int, metavar="N", help="rows at most; default: 100, --json and --csv all"
        )
        _add_asking(command)
        command.set_defaults(list=name)
    text = "uptime, latency, errors in a window and in the one before"
    stats = _command(commands, "stats", text, _stats, config=False)
    _add_choice(stats)
    stats.add_argument("--window", default="24h", choices=WINDOWS, help="default: %(default)s")
    stats.add_argument(
        "--by",
        default="integration",
        choices=("target", "integration", "tenant"),
        help="default: %(default)s",
    )
    _add_asking(stats)


def _add_tokens(commands: "argparse._SubParsersAction[Parser]") -> None:
    text = "tokens of a running exporter: list, refresh, log, key"
    tokens = _command(commands, "tokens", text, _tokens, config=False)
    actions = tokens.add_subparsers(title="actions", required=True, metavar="ACTION", dest="action")
    listed = actions.add_parser("list", help="list tokens with their states, worst first")
    listed.add_argument("--state", metavar="STATE", help="only tokens in this state")
    refresh = actions.add_parser("refresh", help="refresh tokens now, and say what came of each")
    refresh.add_argument("--all", action="store_true", help="every token")
    log = actions.add_parser("log", help="list what was done with tokens, newest first")
    log.add_argument("--since", metavar="TIME", help="such as 2h, 7d, or 2026-11-21T08:00:00Z")
    log.add_argument("--limit", type=_positive, default=100, metavar="N", help="default: %(default)s")
    for action in (listed, refresh, log):
        _add_choice(action)
        _add_asking(action)
    for action in (listed, refresh):
        text = "only tokens that end within this time, such as 24h"
        action.add_argument("--expiring", metavar="DURATION", help=text)
    actions.add_parser("key", help="print a new key for store.token_keys")


def _add_choice(command: argparse.ArgumentParser) -> None:
    command.add_argument("--integration", metavar="NAME", help="only this integration")
    command.add_argument("--tenant", metavar="ID", help="only this tenant")


def _add_asking(command: argparse.ArgumentParser) -> None:
    """Add how a running exporter is asked (see commands/api_client.py) and how its answer is shown."""
    add = command.add_argument
    text = f"default: $INTEGRATION_EXPORTER_URL, or http://{DEFAULT_ADDRESS}"
    add("--exporter.url", dest="exporter_url", metavar="URL", help=text)
    text = (
        "file with a bearer token; default: $INTEGRATION_EXPORTER_TOKEN, $INTEGRATION_EXPORTER_TOKEN_FILE, "
        "or the admin token of an exporter on this machine"
    )
    add("--token-file", dest="token_file", metavar="PATH", help=text)
    add("--ca-file", dest="ca_file", metavar="PATH", help="authority of the exporter's certificate")
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print each row as one line of JSON")
    form.add_argument("--csv", action="store_true", help="print the rows as CSV")


def _add_doctor(doctor: argparse.ArgumentParser) -> None:
    add = doctor.add_argument
    add("--offline", action="store_true", help="ask neither vendors nor channels")
    text = "targets of each integration that are asked at most; default: %(default)s"
    add("--sample", type=_positive, default=3, metavar="N", help=text)
    for name, port in (("prometheus", 9090), ("alertmanager", 9093)):
        text = f"default: http://127.0.0.1:{port}, if it answers there"
        add(f"--{name}.url", dest=f"{name}_url", metavar="URL", help=text)
        add(
            f"--{name}.token-file",
            dest=f"{name}_token_file",
            metavar="PATH",
            help="file with a bearer token that it wants",
        )
    _add_asking(doctor)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("give a number from 1 on")
    return number


def _run(options: argparse.Namespace) -> int:
    if options.config_check:
        return _check(options)
    from exporter.commands.run import run

    return run(options)


def _init(options: argparse.Namespace) -> int:
    from exporter.commands.init.command import init

    return init(options)


def _check(options: argparse.Namespace) -> int:
    from exporter.commands.check import check

    return check(options)


def _probe(options: argparse.Namespace) -> int:
    from exporter.commands.probe import probe

    return probe(options)


def _generate(options: argparse.Namespace) -> int:
    from exporter.commands.generate import generate

    return generate(options)


def _sandbox(options: argparse.Namespace) -> int:
    from exporter.commands.sandbox import sandbox

    return sandbox(options)


def _demo(options: argparse.Namespace) -> int:
    from exporter.commands.demo import demo

    return demo(options)


def _list(options: argparse.Namespace) -> int:
    from exporter.commands.lists import show_list

    return show_list(options)


def _stats(options: argparse.Namespace) -> int:
    from exporter.commands.stats import stats

    return stats(options)


def _tokens(options: argparse.Namespace) -> int:
    from exporter.commands.tokens import tokens

    return tokens(options)


def _doctor(options: argparse.Namespace) -> int:
    from exporter.commands.doctor.command import doctor

    return doctor(options)


def _healthcheck(options: argparse.Namespace) -> int:
    from exporter.commands.healthcheck import healthcheck

    return healthcheck(options)


def _schema(options: argparse.Namespace) -> int:
    from exporter.commands.schema import schema

    return schema(options)


def _completion(options: argparse.Namespace) -> int:
    from exporter.commands.completion import completion

    whole = parser()
    # The flags of `run` may stand without the command.
    _add_config_file(whole)
    _add_run(whole)
    return completion(options, whole)
