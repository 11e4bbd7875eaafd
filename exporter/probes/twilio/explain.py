"""Why Twilio refuses us: what its code leaves open, found out by asking once more."""

from exporter.core.errors import ProbeError
from exporter.core.reason import Reason
from exporter.probes.twilio.api import ACCOUNT, Api, RefusedError
from exporter.probes.twilio.metrics import INACTIVE

BALANCE_KEY = "balance"
"""Where the last balance is remembered: a number in the account's currency, or None."""
NOT_ACTIVE = 10001
"""Code for an account that is not active: its money is used up, or Twilio suspended it."""
CLOSED = ("suspended", "closed")


async def explain(api: Api, error: RefusedError) -> ProbeError:
    """Return the refusal with its exact reason; that the account is not active is kept as a fact.

    The code for a refused credential is also that for a suspended account, so the account's own state is
    asked for. Where it is hidden too, the refusal is raised as it came.
    """
    if error.code == NOT_ACTIVE and _spent(api):
        return ProbeError(Reason.QUOTA, f"{error.detail}: the prepaid balance is used up")
    if error.reason not in (Reason.AUTH, Reason.ACCOUNT):
        return error
    state = await _state(api)
    if state in CLOSED:
        error = RefusedError(Reason.ACCOUNT, f"{error.detail}: the account is {state}", error.code)
    if error.reason is Reason.ACCOUNT:
        api.kit.fact(INACTIVE(1))
    return error


def _spent(api: Api) -> bool:
    balance = api.kit.recall(BALANCE_KEY)
    return balance is not None and balance <= 0


async def _state(api: Api) -> str | None:
    status = api.kit.trace.http_status
    try:
        return (await api.get_resource(ACCOUNT)).text("status")
    except ProbeError as error:
        api.kit.log(f"the state of the account is not known: {error.detail}")
        return None
    finally:
        # The run is judged by the call that was refused.
        api.kit.trace.http_status = status
