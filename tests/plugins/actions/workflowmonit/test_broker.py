"""Documents reach a real RabbitMQ over STOMP, in the clear and over TLS, and none is lost where it is away."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
import stomp

from wwt_framework.testing.running import Running

from .conftest import case, collect, world
from .rabbit import Rabbit
from .test_rounds import failure, kept

Watch = Callable[..., Running]

pytestmark = pytest.mark.needs("rabbitmq")
_PATIENCE_S = 60


class Reader(stomp.ConnectionListener):
    """Somebody who reads a topic of the broker."""

    def __init__(self) -> None:
        self.frames: list[Any] = []
        self.ready = threading.Event()
        self._changed = threading.Condition()

    def on_receipt(self, _frame: Any) -> None:
        self.ready.set()

    def on_message(self, frame: Any) -> None:
        with self._changed:
            self.frames.append(frame)
            self._changed.notify_all()

    def wait(self, number: int) -> list[Any]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.frames) >= number, _PATIENCE_S), len(self.frames)
            return self.frames


@contextmanager
def reading(broker: Rabbit, topic: str) -> Iterator[Reader]:
    line = stomp.Connection12([("127.0.0.1", broker.plain)], vhost="/")
    reader = Reader()
    line.set_listener("", reader)
    line.connect("guest", "guest", wait=True)
    line.subscribe(topic, id="1", ack="auto", headers={"receipt": "subscribed"})
    assert reader.ready.wait(_PATIENCE_S)
    try:
        yield reader
    finally:
        line.disconnect()


def options(broker: Rabbit, topic: str, **more: Any) -> dict[str, Any]:
    return {
        "brokers": [f"localhost:{broker.tls}"], "ca": str(broker.authority.path), "topic": topic, "user": "guest",
        "password": "guest", "timeout_s": 60, **more,
    }  # fmt: skip


def test_c8_documents_arrive_at_the_broker_over_tls(watch: Watch, broker: Rabbit) -> None:
    it = watch(case("wf_Ä"), case("wf_B", rate=0.1), **options(broker, "/topic/over.tls"))
    with reading(broker, "/topic/over.tls") as reader:
        assert "2 sent" in collect(it)
        frames = reader.wait(2)

    bodies = {json.loads(frame.body)["data"]["name"]: json.loads(frame.body) for frame in frames}
    assert bodies == {message["body"]["data"]["name"]: message["body"] for message in next(iter(kept(it).values()))}
    assert frames[0].headers["type"] == "workflowmonit_toolsandint-workflows-collector"
    assert frames[0].headers["content-type"] == "application/json"
    assert kept(it, "waiting") == {}


def test_c8_more_documents_than_are_sent_at_once_all_arrive(watch: Watch, broker: Rabbit) -> None:
    port = f"127.0.0.1:{broker.plain}"
    it = watch(
        *(case(f"wf_{n}", rate=0.1) for n in range(450)), **options(broker, "/topic/many", brokers=[port], tls=False)
    )
    with reading(broker, "/topic/many") as reader:
        assert "450 sent" in collect(it)

        assert len(reader.wait(450)) == 450


def test_a_broker_that_is_away_is_passed_by_for_the_next(watch: Watch, broker: Rabbit) -> None:
    it = watch(case(), **options(broker, "/topic/next", brokers=["127.0.0.1:1", f"localhost:{broker.tls}"]))

    assert "1 sent" in collect(it)


def test_c8_what_failed_is_sent_with_the_next_round(watch: Watch, broker: Rabbit) -> None:
    it = watch(case(), **options(broker, "/topic/later", password="wrong"))
    assert "takes messages" in failure(it)
    first = kept(it, "waiting")
    again = watch(**options(broker, "/topic/later"))
    again.doors.snapshot = world(case(), minutes=30)
    with reading(broker, "/topic/later") as reader:
        assert "2 sent" in collect(again, 31)
        frames = reader.wait(2)

    sent = [json.loads(frame.body)["metadata"]["uuid"] for frame in frames]
    assert next(iter(first.values()))[0]["body"]["metadata"]["uuid"] in sent
    assert kept(again, "waiting") == {}


def test_a_wrong_password_is_said(watch: Watch, broker: Rabbit) -> None:
    told = failure(watch(case(), **options(broker, "/topic/x", password="wrong")))

    assert "Access refused" in told or "Bad CONNECT" in told


def test_a_broker_of_an_authority_that_is_not_ours_is_refused(watch: Watch, broker: Rabbit) -> None:
    it = watch(case(), **options(broker, "/topic/x", ca=None))

    assert "certificate verify failed" in failure(it)


def test_a_broker_with_the_name_of_another_is_refused(watch: Watch, broker: Rabbit) -> None:
    it = watch(case(), **options(broker, "/topic/x", brokers=[f"localhost.localdomain:{broker.tls}"]))

    told = failure(it)
    assert "Hostname mismatch" in told or "not known" in told


def test_what_a_broker_that_breaks_off_has_not_confirmed_waits(watch: Watch) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def half_a_broker() -> None:
            line, _ = server.accept()
            with line:
                line.recv(4096)
                line.sendall(b"CONNECTED\nversion:1.2\n\n\0")
                heard = b""
                while heard.count(b"\0") < 2:
                    heard += line.recv(65536)
                receipt = heard.split(b"receipt:")[1].split(b"\n")[0]
                line.sendall(b"RECEIPT\nreceipt-id:" + receipt + b"\n\n\0")

        thread = threading.Thread(target=half_a_broker)
        thread.start()
        it = watch(
            case("a"), case("b"), case("c"), brokers=[f"127.0.0.1:{server.getsockname()[1]}"], tls=False, timeout_s=60
        )
        told = failure(it)
        thread.join()

    assert "1 documents were sent, 2 of this round wait: " in told
    assert "the connection broke" in told
    assert [message["body"]["data"]["name"] for message in next(iter(kept(it, "waiting").values()))] == ["b", "c"]


def test_something_that_is_no_broker_is_given_up_in_time(watch: Watch) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        it = watch(case(), brokers=[f"127.0.0.1:{silent.getsockname()[1]}"], tls=False, timeout_s=1)

        assert "it does not let us in" in failure(it)


def test_a_broker_that_confirms_nothing_is_given_up_in_time(watch: Watch) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        over = threading.Event()

        def deaf() -> None:
            line, _ = server.accept()
            with line:
                line.recv(4096)
                line.sendall(b"CONNECTED\nversion:1.2\n\n\0")
                over.wait(_PATIENCE_S)

        thread = threading.Thread(target=deaf)
        thread.start()
        it = watch(case("a"), brokers=[f"127.0.0.1:{server.getsockname()[1]}"], tls=False, timeout_s=1)
        told = failure(it)
        over.set()
        thread.join()

    assert told.endswith("no receipt in 1 s")
