"""Every route by which an administrator changes something leaves an entry in the audit."""

import inspect
import re
from types import ModuleType

from exporter.server.access import Effect
from exporter.server.routes import ROUTES
from exporter.server.web_config.settings import Role

BY_MACHINES = {
    "/api/v1/events": "apps report; what must be in the audit is an event of the kind audit",
    "/api/v1/deliveries": "apps send webhooks; each delivery has attempts, and those are in the audit",
    "/api/v1/sms": "Alertmanager; the history of text messages has each",
    "/api/v1/ratelimits/check": "apps ask about each request of theirs; a block that begins is in the audit",
    "/api/v1/notices": "Alertmanager; the history has every notice",
}
"""Routes that no administrator uses by hand, and why they leave no entry of their own."""

WRITES = re.compile(r"\b(audit|audit_repeatable|entry_of|_audit\w*)\(")


def test_every_change_by_an_administrator_is_in_the_audit() -> None:
    silent = [
        route.path
        for route in ROUTES
        if route.rule.effect is Effect.CHANGE and route.path not in BY_MACHINES
        if not _writes(route.handler)
    ]
    assert silent == []


def test_nothing_is_excused_that_is_gone() -> None:
    assert BY_MACHINES.keys() <= {route.path for route in ROUTES if route.rule.effect is Effect.CHANGE}
    assert any(route.rule.role is Role.ADMIN for route in ROUTES)


def _writes(handler: object) -> bool:
    """Return whether the handler, or a function of its module that it calls, adds an entry."""
    module = inspect.getmodule(handler)
    assert isinstance(module, ModuleType) and inspect.isfunction(handler)
    waiting, seen = [handler.__name__], set[str]()
    while waiting:
        name = waiting.pop()
        function = vars(module).get(name)
        if name in seen or not inspect.isfunction(function) or inspect.getmodule(function) is not module:
            continue
        seen.add(name)
        source = inspect.getsource(function)
        if WRITES.search(source.partition(":\n")[2]):
            return True
        waiting += re.findall(r"\b(\w+)\(", source)
    return False
