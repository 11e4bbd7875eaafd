"""docs/sandbox.md says what the sandbox does: its faults, and its commands as they are typed."""

import json
import re
import shlex
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import yaml

from exporter import registry
from exporter.sandbox.harness import listing, serve
from exporter.sandbox.vendor import FAULTS, REASONS

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()


def test_the_table_has_every_fault_with_its_reason() -> None:
    assert dict(re.findall(r"^\| `(\w+)` \|.*\| `(\w+)` \|$", PAGE, re.M)) == {
        fault: REASONS[fault] for fault in FAULTS
    }


async def test_every_command_on_the_page_is_obeyed() -> None:
    commands = re.findall(r"^curl .*$", PAGE, re.M)
    assert len(commands) > 6
    async with serve(registry.sandbox_vendors()) as sandbox, aiohttp.ClientSession() as client:
        for command in commands:
            words = shlex.split(command)
            url = sandbox.control + urlsplit(words[-1]).path
            if "-d" not in words:
                async with client.get(url) as answer:
                    assert answer.status == 200 and (await answer.json())["options"]
                continue
            async with client.post(url, json=json.loads(words[words.index("-d") + 1])) as answer:
                assert answer.status == 200, (command, await answer.text())


async def test_the_example_of_one_tenant_meets_it_alone() -> None:
    block = next(text for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.S) if "tenants" in text)
    options = yaml.safe_load(block)["integrations"][0]
    headers = {"Authorization": f"Bearer {options['options']['secret_key']}"}
    async with serve(registry.sandbox_vendors()) as sandbox, aiohttp.ClientSession(headers=headers) as client:
        stand = sandbox.stands["stripe"]

        async def balance(account: str) -> int:
            own = {"Stripe-Account": account}
            async with client.get(f"{stand.endpoint.url}/v1/balance", headers=own) as answer:
                return answer.status

        accounts = [one["options"]["account"] for one in options["tenants"]["list"]]
        await stand.set_fault("bad_credential", only=accounts[1])
        assert [await balance(one) for one in accounts] == [200, 401]
        await stand.set_fault("server_error", only=accounts[0])
        assert [await balance(one) for one in accounts] == [500, 200]
        await stand.set_fault(None)
        assert [await balance(one) for one in accounts] == [200, 200]


async def test_the_list_of_addresses_stands_in_columns() -> None:
    async with serve(registry.sandbox_vendors()) as sandbox:
        rows = [line for line in listing(sandbox) if "http://" in line and not line.startswith("Break")]
        assert len(rows) == 1 + len(sandbox.stands)
        assert len({line.index("http://") for line in rows}) == 1
        assert len({line.index("https://") for line in rows[1:]}) == 1
