"""Rows and events to an MQTT broker, one JSON message each: events to the topic of the rows with `/events` after it.

MQTT suits a box among many: the broker knows who listens, and neither side has to be there when the other is. Messages
are sent with quality of service 1: when the connection comes back, what the broker has not confirmed is sent again, so
that a message may arrive twice but none is lost on the way.
"""

from __future__ import annotations

import re
from threading import Condition, Thread
from time import monotonic
from typing import Any

from ..addresses import Address
from ..au_events import AuEvent
from ..errors import OutputError
from ..extras import extra
from ..results import FrameResult
from .base import Sink, SinkContext
from .publishing import EVENTS, QUEUED, Outbox, not_understood, parse_target
from .record import as_json, event_as_json

FORM = "mqtt://[user:password@]host[:port]/topic, or mqtts:// for an encrypted connection."
PORTS = {"mqtt": 1883, "mqtts": 8883}
PATIENCE = 5.0
"""Seconds in which the broker must answer at the start."""
GRACE = 3.0
"""Seconds at the end in which messages that wait may still go out."""
UNCONFIRMED = 20
"""Most messages that are under way to the broker."""
KEEP_ALIVE = 15
"""Seconds of silence after which the connection is tried; after half as many again it counts as broken."""
LONGEST_TEXT = 65_535
"""Bytes of the longest text that MQTT carries beside a message."""
LONGEST_WAIT = 30
"""Seconds between attempts to reconnect: 1 at first, doubled up to this."""


class MqttPublisher(Sink):
    """Sends rows and events.

    They wait in a bounded queue for a thread of its own, so that `write` never waits, whatever the broker does: when
    the queue is full, the oldest ones go, and are counted.

    Args:
        target: Where to publish, see `FORM`. Encrypted connections trust the system's certificates.
        context: The run.
        queued: Most messages that wait.

    Raises:
        OutputError: The URL is not understood, the extra `mqtt` is not installed, or the broker cannot be reached or
            refuses us: that is found out before the work, and not after it.
    """

    def __init__(self, target: str, context: SinkContext, queued: int = QUEUED) -> None:
        self._address = parse_target(target, FORM)
        self._context = context
        _check(self._address)
        self._outbox = Outbox[tuple[str, str]](queued)  # topics and what goes there
        self._changed = Condition()  # guards what follows
        self._answer: Any = None
        self._given_up = False
        self._unconfirmed = 0
        self._delivered = 0
        self._client = self._connect()
        self._sender = Thread(target=self._send, name="mqtt", daemon=True)
        self._sender.start()

    @property
    def dropped(self) -> int:
        """Messages that did not go out: the queue was full, or they still waited when the grace at the end was over."""
        return self._outbox.dropped + (len(self._outbox) + self._unconfirmed if self._given_up else 0)

    @property
    def summary(self) -> str:
        """See `Sink`."""
        lost = f", {self.dropped} dropped because the broker was away or too slow" if self.dropped else ""
        return f"{self._delivered} messages: {self._address}{lost}"

    def write(self, result: FrameResult) -> None:
        """Send the rows of a frame, as soon as that is possible. Never waits and never fails."""
        for row in result.rows:
            self._outbox.put((self._address.path, as_json(row, self._context)))
        with self._changed:
            self._changed.notify_all()

    def write_event(self, event: AuEvent) -> None:
        """Send an event, likewise."""
        self._outbox.put((_events_topic(self._address), event_as_json(event)))
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """Send what waits, within `GRACE` seconds, and leave the broker. Safe to call twice."""
        with self._changed:
            self._changed.wait_for(lambda: not self._outbox and not self._unconfirmed, GRACE)
            self._given_up = True
            self._changed.notify_all()
        self._sender.join()
        # Not loop_stop(): that would wait for a broker that does not answer any more. The thread ends by this alone.
        self._client.disconnect()

    def _connect(self) -> Any:
        mqtt = extra("mqtt", "paho.mqtt.client")
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        client.on_connect, client.on_publish = self._on_connect, self._on_publish
        client.reconnect_delay_set(1, LONGEST_WAIT)
        client.connect_timeout = PATIENCE
        if self._address.user is not None:
            client.username_pw_set(self._address.user, self._address.password)
        try:
            if self._address.scheme == "mqtts":
                client.tls_set()
            client.connect(self._address.host, self._address.port or PORTS[self._address.scheme], KEEP_ALIVE)
        except (OSError, ValueError) as error:
            raise self._no_broker(str(error)) from error
        client.loop_start()
        end = monotonic() + PATIENCE
        with self._changed:
            answered = self._changed.wait_for(lambda: self._answer is not None, end - monotonic())
        if not answered or self._answer.is_failure:
            client.disconnect()
            raise self._no_broker(str(self._answer) if answered else f"It did not answer within {PATIENCE:.0f} s")
        return client

    def _no_broker(self, why: str) -> OutputError:
        return OutputError(
            f"The MQTT broker of {self._address} does not accept the connection.",
            f"{why}.",
            "Start the broker, or correct host, port, user or password.",
        )

    def _send(self) -> None:
        while self._wait_until_ready():
            message = self._outbox.take()
            if message is not None:
                with self._changed:
                    self._unconfirmed += 1
                self._client.publish(*message, qos=1)

    def _wait_until_ready(self) -> bool:
        """Wait until a message can go out; False when there will be none."""
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    self._given_up or (self._outbox and self._client.is_connected() and self._unconfirmed < UNCONFIRMED)
                )
            )
            return not self._given_up

    def _on_connect(self, client: Any, data: Any, flags: Any, answer: Any, properties: Any) -> None:
        with self._changed:
            self._answer = answer
            self._changed.notify_all()

    def _on_publish(self, client: Any, data: Any, identifier: int, reason: Any, properties: Any) -> None:
        with self._changed:
            self._unconfirmed -= 1
            self._delivered += 1
            self._changed.notify_all()


def _events_topic(address: Address) -> str:
    return f"{address.path}/{EVENTS}"


def _check(address: Address) -> None:
    """Refuse what MQTT does not allow (version 5.0, sections 1.5.4 and 4.7), and what nobody means."""
    topic = address.path
    texts = (_events_topic(address), address.user or "", address.password or "")
    longest = max(len(text.encode(errors="replace")) for text in texts)
    for is_wrong, why in (
        (not topic, "It names no topic, the part after the host."),
        (re.search("[+#]", topic), "Its topic holds '+' or '#', which only subscribers may use."),
        (topic.startswith("$"), "Its topic begins with '$', which is the broker's own."),
        ("" in topic.split("/"), "Its topic has an empty level: a '/' at its start or end, or two in a row."),
        (not topic.isprintable(), "Its topic holds characters that cannot be shown."),
        (longest > LONGEST_TEXT, f"Its topic, user or password has over {LONGEST_TEXT} bytes."),
    ):
        if is_wrong:
            raise not_understood(why, FORM)
