"""Cases of an alert on the share of events that went wrong: steps, boundary, too few, two processes."""

from collections.abc import Mapping

from exporter.alerts.cases.series import text
from exporter.core.alert import Case
from exporter.core.metric import Metric

LabelTexts = Mapping[str, str]


class ShareCases:
    """Writes the cases of one alert, in events of a minute.

    `labels` are those of the alert; `whole` and `part` are the labels that the two counters have besides.
    `minutes` is the window, `least` the events in it that are needed.
    """

    def __init__(
        self,
        counters: tuple[Metric, Metric],
        labels: LabelTexts,
        whole: LabelTexts,
        part: LabelTexts,
        minutes: int,
        least: int,
    ) -> None:
        """Take what differs between alerts."""
        self._counters, self._labels = counters, labels
        self._own = ({**labels, **whole}, {**labels, **part})
        self._minutes, self._few = minutes, (least - 1) // minutes
        self._at = f"{minutes + 5}m"

    def _series(self, whole: float, part: float, **more: str) -> dict[str, str]:
        rates = zip(self._counters, self._own, (whole, part), strict=True)
        steps = self._minutes + 30
        return {text(metric, **{**own, **more}): f"0+{rate:g}x{steps}" for metric, own, rate in rates}

    def _fires(self, *severities: str) -> tuple[LabelTexts, ...]:
        return tuple({**self._labels, "severity": severity} for severity in severities)

    def cases(self, steps: Mapping[str, float]) -> tuple[Case, ...]:
        """Return the cases for thresholds of `steps`, severity to share, loosest first."""
        return (*self._over(steps), *self._not_over(min(steps.values())), *self._missing())

    def _over(self, steps: Mapping[str, float]) -> list[Case]:
        found = []
        for number, (severity, limit) in enumerate(steps.items(), 1):
            fired = self._fires(*list(steps)[:number])
            rates = self._series(1000, round(1000 * limit) + 10)
            found.append(Case("fires", rates, self._at, fired, says=f"above what is {severity}"))
        half = -(-self._few // 2) + 1
        both = self._series(half, half, instance="a") | self._series(half, half, instance="b")
        says = "two processes add up, each with too few"
        return [*found, Case("fires", both, self._at, self._fires(*steps), says=says)]

    def _not_over(self, limit: float) -> tuple[Case, ...]:
        some, all_of_few = self._series(1000, 1000 * limit - 1), self._series(self._few, self._few)
        return (
            Case("quiet", self._series(1000, 0), self._at, says="nothing goes wrong"),
            Case("boundary", some, self._at, says="a little less"),
            Case("boundary", all_of_few, self._at, says="too few to say anything"),
        )

    def _missing(self) -> tuple[Case, ...]:
        whole, part = ({name: text} for name, text in self._series(1000, 900).items())
        return (
            Case("missing", whole, self._at, says="nothing ever went wrong"),
            Case("missing", part, self._at, says="nothing is known of the whole"),
        )
