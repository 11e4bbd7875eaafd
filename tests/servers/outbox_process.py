"""A process with an outbox that a test kills: it accepts deliveries, and brings them to a server of the test.

Arguments: the store's URL, the receiver's port, a name, the seconds of a lease, and how many to accept at a
time (0: it only carries). It prints a line for each delivery that it acknowledges.
"""

import asyncio
import sys
import time
from itertools import count

from exporter.core.delivery import Delivery, EndpointLimits, Receipt, RetryLater
from exporter.core.errors import StoreError
from exporter.outbox.lease import Lease
from exporter.outbox.outbox import Outbox
from exporter.store.database import Database


class Line:
    """An action that sends one line, `owner delivery`, and waits for one."""

    kind = "forward"

    def __init__(self, port: int, name: str) -> None:
        self._port, self._name = port, name

    def limits(self, endpoint: str) -> EndpointLimits:
        return EndpointLimits(concurrency=4)

    async def run(self, delivery: Delivery) -> Receipt:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            try:
                writer.write(f"{self._name} {delivery.id}\n".encode())
                if not await reader.readline():
                    raise RetryLater("connect", "cut")
            finally:
                writer.close()
        except OSError as error:
            raise RetryLater("connect", str(error)) from None
        return Receipt(200)


async def main(url: str, port: int, name: str, lease: float, most: int) -> None:
    database = Database(url, replica=name)
    database.open()
    outbox = Outbox(database, [Line(port, name)], lease=lambda commits: Lease(commits, lease))
    await outbox.start()
    print("ready", flush=True)
    for number in count():
        now, names = time.time(), [f"{name}-{number}-{place}" for place in range(most)]
        made = [
            Delivery(one, "forward", f"e{place % 3}", b"x", now, now + 600) for place, one in enumerate(names)
        ]
        try:
            await outbox.submit(made)
        except StoreError:
            print("refused", flush=True)
            await asyncio.sleep(0.05)
            continue
        print("".join(f"ack {one}\n" for one in names), end="", flush=True)
        await asyncio.sleep(0.002 if most else 3600.0)


if __name__ == "__main__":
    address, port, name, lease, most = sys.argv[1:]
    asyncio.run(main(address, int(port), name, float(lease), int(most)))
