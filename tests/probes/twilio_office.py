"""The simulated Twilio account that the tests of the probe start from."""

from exporter.probes.twilio import PROBE
from exporter.sandbox._twilio_answers import SID
from exporter.sandbox.twilio import VENDOR
from tests.probes.vendor_stage import Opener, VendorStage

MINUTE = 60.0
HOUR = 3600.0
CORE = f"/2010-04-01/Accounts/{SID}"
BALANCE = f"{CORE}/Balance.json"
TODAY = f"{CORE}/Usage/Records/Today.json"


class Office(VendorStage):
    """A simulated account."""

    vendor, tested = VENDOR, PROBE


Open = Opener[Office]
