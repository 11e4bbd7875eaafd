"""Where Alertmanager is: what `notifications.alertmanager` says, and else `generate.alertmanager`."""

import base64

from exporter.core.alertmanager import AlertmanagerAddress
from exporter.core.generation import Generation, addresses
from exporter.core.notifications import AlertmanagerApi, AlertmanagerAuth
from exporter.core.secret import Secret


def address_of(api: AlertmanagerApi, generation: Generation) -> AlertmanagerAddress:
    """Return how Alertmanager is reached; without a `url` it is where Prometheus reaches it.

    What `generate` says of credentials and authorities are files of the machine of Prometheus: they are not
    read here.
    """
    peer = generation.alertmanager
    urls = api.urls or tuple(
        f"{peer.scheme}://{one}{peer.path_prefix}" for one in addresses(peer, "alertmanager")
    )
    return AlertmanagerAddress(urls, _authorization(api.auth), api.tls)


def _authorization(auth: AlertmanagerAuth) -> Secret | None:
    if auth.bearer_token:
        return Secret(f"Bearer {auth.bearer_token.reveal()}")
    if auth.basic and auth.basic.password:
        pair = f"{auth.basic.username}:{auth.basic.password.reveal()}"
        return Secret(f"Basic {base64.b64encode(pair.encode()).decode()}")
    return None
