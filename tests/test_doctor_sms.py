"""The doctor knows each way by which text messages go, and sends none."""

from exporter.commands.doctor import channels
from exporter.commands.doctor.finding import FindingState
from exporter.core.notifications import Notifications
from exporter.net.network import LoopNetwork
from tests.servers.ports import free_port
from tests.servers.text_vendors import sms_settings, text_vendors


async def test_twilio_the_second_account_and_sns_are_reached() -> None:
    network = LoopNetwork()
    async with text_vendors() as vendors:
        nobody = f"http://127.0.0.1:{free_port()}"
        there, away = sms_settings(vendors.url), sms_settings(nobody)
        mixed = sms_settings(nobody, {"twilio": there.twilio, "sns": away.sns})
        found = await channels.findings(Notifications(sms=mixed), network)
    await network.close()
    words = {one.what.partition(":")[0]: one.state for one in found}
    assert words == {
        "sms by twilio, sms by the second account": FindingState.OK,
        "sms by sns": FindingState.PROBLEM,
    }
    assert vendors.sent == [] and vendors.refused == []
