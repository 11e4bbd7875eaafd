from collections.abc import Iterator

import pytest

from exporter.client import Client
from tests.client.receiver import TOKEN, Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def client(receiver: Receiver) -> Iterator[Client]:
    made = Client(receiver.url, TOKEN, interval=0.05)
    yield made
    made.close(0.0)
