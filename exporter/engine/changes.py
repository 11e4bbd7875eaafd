"""What a new configuration changes of the one in force: what is equal stays the very same object."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from operator import is_

from exporter.core.configuration import Configuration
from exporter.core.probe import Target, TargetKey
from exporter.core.threshold import Threshold


@dataclass(frozen=True)
class TargetChanges:
    """Keys of targets: `added` and `changed` in the order of the configuration.

    `reordered` says that the targets are not in the same places as before, or not as many.
    """

    added: tuple[TargetKey, ...] = ()
    changed: tuple[TargetKey, ...] = ()
    gone: tuple[TargetKey, ...] = ()
    reordered: bool = False

    @property
    def differing(self) -> tuple[TargetKey, ...]:
        """All that are not as they were."""
        return (*self.added, *self.changed, *self.gone)


def compare(before: Mapping[TargetKey, Target], after: Mapping[TargetKey, Target]) -> TargetChanges:
    """Return what differs between two sets of targets."""
    added, changed = [], []
    for key, target in after.items():
        known = before.get(key)
        if known is None:
            added.append(key)
        elif not known.same(target):
            changed.append(key)
    gone = tuple([key for key in before if key not in after])
    return TargetChanges(tuple(added), tuple(changed), gone, list(before) != list(after))


def adopt(old: Configuration, new: Configuration) -> tuple[Configuration, TargetChanges]:
    """Return `new` with the equal targets and thresholds of `old`, and which targets differ.

    It takes a while with thousands of targets, and needs nothing but the two: it can run off the event loop.
    """
    changes = compare(old.targets, new.targets)
    differing = frozenset(changes.differing)
    targets = {key: new.targets[key] if key in differing else old.targets[key] for key in new.targets}
    return replace(new, targets=targets, thresholds=_adopt(old.thresholds, new.thresholds)), changes


def _adopt(old: tuple[Threshold, ...], new: Iterable[Threshold]) -> tuple[Threshold, ...]:
    known = {one: one for one in old}
    adopted = tuple([known.get(one, one) for one in new])
    same = len(adopted) == len(old) and all(map(is_, adopted, old))
    return old if same else adopted
