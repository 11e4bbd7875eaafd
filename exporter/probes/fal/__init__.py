"""Does fal take our key, what do its models cost, how long does the money last, and do requests fail?

Permission: a key of the scope API shows that the account is there, by asking for the price of a model: that
runs nothing and costs nothing; and it reports the requests for that model. One of the scope ADMIN also
reports of costs, prepaid money and the models used, and so of the requests for all of them. Where that is
missing, the probe stays connected, what depends on it is absent and `integration_fal_permission_missing`
says so; `integration_fal_reading_refused` says where fal left a reading without an answer, for whatever
cause.

Cost: no money, and fal documents no allowance of calls. Calls in 30 days at the default interval of five
minutes, with one page per list:

    price      each run    8,640        requests of the hour        15 min    2,880
    balance    15 min      2,880        requests of day and month   1 h         720
    usage      15 min      2,880

which makes 18,000; each further page of a list (`pages`, five at most unless configured) is a call more.

Days and months are those of UTC. Costs are what fal bills: time in the queue and its own errors are free.

Not verified: the words with which an account without money is locked (HTTP 403), and whether naming a model
that fal has withdrawn makes it refuse to count requests. A call that fal does not understand leaves its
values unknown.
"""

from collections.abc import Iterable

from exporter.core.metric import Sample
from exporter.core.probe import Kit, Probe, Target
from exporter.probes._readings import FurtherReadings
from exporter.probes._vendor_reading import vendor_calls_a_month
from exporter.probes.fal.alerts import ALERTS
from exporter.probes.fal.api import Api, FalOptions
from exporter.probes.fal.metrics import METRICS, PERMISSION_MISSING, READING_REFUSED
from exporter.probes.fal.panels import PANELS
from exporter.probes.fal.readings import READINGS, price_samples

INTERVAL = 300.0


async def check(target: Target, kit: Kit) -> Iterable[Sample]:
    """Ask for a price, and for each expensive reading whose time has come."""
    options: FalOptions = target.options
    api = Api(options, kit)
    answer = await api.get("/models/pricing", (("endpoint_id", options.model),))
    samples = list(price_samples(answer, options.model))
    further = FurtherReadings(kit, READING_REFUSED, PERMISSION_MISSING)
    for reading in READINGS:
        kept = await reading.read(api, options, further)
        samples += reading.samples(kept, kit.now()) if kept else ()
    return [*samples, *further.samples()]


def calls(options: FalOptions, interval: float) -> float:
    """Return the reads in 30 days."""
    return vendor_calls_a_month(interval, READINGS, options)


PROBE = Probe(
    name="fal",
    title="fal",
    options=FalOptions,
    check=check,
    metrics=METRICS,
    alerts=ALERTS,
    panels=PANELS,
    needs=("key",),
    interval=INTERVAL,
    calls=calls,
    credential="key",
    environment={"key": ("FAL_KEY",)},
)
