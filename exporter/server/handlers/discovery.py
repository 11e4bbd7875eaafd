"""Answers Prometheus where every shard and replica is."""

from aiohttp import web

from exporter.server.answers import json_answer
from exporter.server.discovery import groups, is_address
from exporter.server.services import SERVICES


async def discover(request: web.Request) -> web.Response:
    """Answer the target groups of all processes; one process alone is where it was asked.

    Where there are more and their addresses are not known, an error is better than a part of the list:
    Prometheus keeps the last whole one.
    """
    services = request.app[SERVICES]
    configuration = services.configuration()
    shards, replicas = configuration.shard.count, configuration.replicas
    templates = services.sd_addresses
    if not templates:
        if shards * replicas > 1:
            raise web.HTTPServiceUnavailable(
                text="the addresses of the other shards and replicas are not known; give --sd.address"
            )
        if not is_address(request.host):
            raise web.HTTPBadRequest(text="the header Host is no address")
        templates = (request.host,)
    path = f"{services.paths.route_prefix}/metrics"
    found = groups(templates, shards, replicas, https=request.secure, path=path)
    return json_answer(found)
