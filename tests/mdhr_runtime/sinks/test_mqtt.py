import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest
from rows import CONTEXT, event, nobody, result, row

from mdhr_runtime.errors import OutputError
from mdhr_runtime.sinks import mqtt

client_library = pytest.importorskip("paho.mqtt.client", reason="needs the extra 'mqtt'")
MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="needs the MQTT broker: apt-get install mosquitto")
TOPIC = "lab/faces"


def wait_until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


class Broker:
    """A Mosquitto of our own."""

    def __init__(self, folder, *lines):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._config = folder / "mosquitto.conf"
        self._config.write_text("\n".join([f"listener {self.port} 127.0.0.1", "user root", *lines]) + "\n")
        self.start()

    def start(self):
        self.process = subprocess.Popen([MOSQUITTO, "-c", self._config], stdout=-3, stderr=-3)
        wait_until(self._answers)

    def _answers(self):
        with socket.socket() as attempt:
            return attempt.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def start_broker(tmp_path):
    brokers = []

    def start(*lines):
        brokers.append(Broker(tmp_path, *lines))
        return brokers[-1]

    yield start
    for broker in brokers:
        broker.kill()


@pytest.fixture
def broker(start_broker):
    return start_broker("allow_anonymous true")


@pytest.fixture
def subscribe():
    """Collect what arrives at a topic of a broker: the frames' numbers, or what else is to be read of the messages."""
    clients = []

    def start(broker, topic=TOPIC, read=lambda message: message["frame"]):
        got, ready = [], threading.Event()
        client = client_library.Client(client_library.CallbackAPIVersion.VERSION2)
        client.on_connect = lambda *_: client.subscribe(topic, qos=1)
        client.on_subscribe = lambda *_: ready.set()
        client.on_message = lambda _client, _data, message: got.append(read(json.loads(message.payload)))
        client.reconnect_delay_set(1, 1)
        client.connect("127.0.0.1", broker.port)
        client.loop_start()
        clients.append(client)
        assert ready.wait(30)
        return got, ready

    yield start
    for client in clients:
        client.disconnect()
        client.loop_stop()


def publisher(broker, queued=2_000, login=""):
    return mqtt.MqttPublisher(f"mqtt://{login}127.0.0.1:{broker.port}/{TOPIC}", CONTEXT, queued)


def test_every_row_arrives_in_order(broker, subscribe):
    got, _ = subscribe(broker)
    with publisher(broker) as output:
        for number in range(1, 301):
            output.write(result(row(number) if number % 3 else nobody(number)))
    wait_until(lambda: len(got) == 300)
    assert got == list(range(1, 301))
    assert output.dropped == 0
    assert output.summary == f"300 messages: mqtt://127.0.0.1:{broker.port}/{TOPIC}"
    output.close()


def test_events_go_to_a_topic_of_their_own(broker, subscribe):
    frames, _ = subscribe(broker)
    events, _ = subscribe(broker, f"{TOPIC}/events", read=dict)
    with publisher(broker) as output:
        output.write(result(row(1)))
        output.write_event(event())
        output.write(result(row(2)))
    wait_until(lambda: len(frames) == 2 and events)
    assert frames == [1, 2]
    (only,) = events
    assert list(only.items()) == [
        ("source", "cam"),
        ("person", 1),
        ("face_id", 0),
        ("au", "AU12"),
        ("onset", 0.4),
        ("apex", 0.48),
        ("offset", 1.0),
        ("peak", 0.8999),
        ("mean", 0.6999),
        ("duration", 0.6),
    ]
    assert output.summary.startswith("3 messages: ")


@pytest.mark.slow
def test_a_broker_that_dies_and_comes_back_gets_what_waited(broker, subscribe, monkeypatch):
    monkeypatch.setattr(mqtt, "GRACE", 30)
    got, ready = subscribe(broker)
    with publisher(broker) as output:
        for number in range(1, 101):
            output.write(result(row(number)))
        wait_until(lambda: len(got) == 100)
        broker.kill()
        ready.clear()
        wait_until(lambda: not output._client.is_connected())
        for number in range(101, 151):
            output.write(result(row(number)))
        monkeypatch.setattr(output._client, "reconnect", _after(ready.wait, output._client.reconnect))
        broker.start()
        assert ready.wait(30)
        for number in range(151, 201):
            output.write(result(row(number)))
    wait_until(lambda: 200 in got)
    assert sorted(set(got)) == list(range(1, 201))
    assert output.dropped == 0


def _after(wait, action):
    """Do something after something else: messages for a topic without subscribers go nowhere."""

    def both():
        wait(30)
        return action()

    return both


def test_a_broker_that_does_not_answer_stops_nobody(broker, subscribe, monkeypatch):
    got, _ = subscribe(broker)
    with publisher(broker, queued=50) as output:
        os.kill(broker.process.pid, signal.SIGSTOP)
        try:
            work = threading.Thread(
                target=lambda: [output.write(result(row(number))) for number in range(1, 5001)], daemon=True
            )
            work.start()
            work.join(60)
            assert not work.is_alive()
            assert output.dropped >= 5000 - 50 - mqtt.UNCONFIRMED
        finally:
            os.kill(broker.process.pid, signal.SIGCONT)
        wait_until(lambda: 5000 in got)
    assert got == sorted(got)
    assert len(got) + output.dropped == 5000
    assert "dropped because the broker was away or too slow" in output.summary


def test_the_end_does_not_wait_for_a_broker_that_is_gone(broker, monkeypatch):
    monkeypatch.setattr(mqtt, "GRACE", 0.1)
    with publisher(broker) as output:
        broker.kill()
        for number in range(1, 11):
            output.write(result(row(number)))
    assert output.dropped == 10
    assert output.summary.startswith("0 messages")


def test_without_a_broker_it_ends_before_it_begins():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(OutputError, match="does not accept the connection") as error:
            mqtt.MqttPublisher(f"mqtt://me:secret@127.0.0.1:{closed.getsockname()[1]}/{TOPIC}", CONTEXT)
    assert "refused" in error.value.why
    assert "secret" not in str(error.value)


def test_something_else_that_listens_is_no_broker(monkeypatch):
    monkeypatch.setattr(mqtt, "PATIENCE", 0.2)
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        pytest.raises(OutputError, match="does not accept the connection") as error,
    ):
        mqtt.MqttPublisher(f"mqtt://127.0.0.1:{other.getsockname()[1]}/{TOPIC}", CONTEXT)
    assert "did not answer" in error.value.why


def test_credentials(start_broker, tmp_path):
    tool = shutil.which("mosquitto_passwd")
    if tool is None:
        pytest.skip("needs mosquitto_passwd: apt-get install mosquitto")
    passwords = tmp_path / "passwords"
    subprocess.run([tool, "-c", "-b", passwords, "me", "p@ss word"], check=True)
    broker = start_broker(f"password_file {passwords}", "allow_anonymous false")
    with publisher(broker, login="me:p%40ss%20word@") as output:
        output.write(result(row(1)))
    assert output.summary.startswith("1 messages")
    assert "p@ss" not in output.summary
    for login in ("", "me:wrong@"):
        with pytest.raises(OutputError, match="does not accept the connection") as error:
            publisher(broker, login=login)
        assert "uthori" in error.value.why
        assert "wrong" not in str(error.value)


def test_an_encrypted_connection_trusts_only_known_certificates(start_broker, tmp_path, monkeypatch):
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl: apt-get install openssl")
    certificate, key = tmp_path / "own.pem", tmp_path / "own.key"
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, *names]
    subprocess.run(command, check=True, capture_output=True)
    broker = start_broker("allow_anonymous true", f"certfile {certificate}", f"keyfile {key}")
    url = f"mqtts://127.0.0.1:{broker.port}/{TOPIC}"
    with pytest.raises(OutputError, match="does not accept the connection") as error:
        mqtt.MqttPublisher(url, CONTEXT)
    assert "certificate" in error.value.why
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with mqtt.MqttPublisher(url, CONTEXT) as output:
        output.write(result(row(1)))
    assert output.summary == f"1 messages: {url}"


@pytest.mark.parametrize(
    ("topic", "why"),
    [
        ("", "names no topic"),
        ("lab/#", "after '?' or '#'"),
        ("lab/%23", "only subscribers"),
        ("lab/+/x", "only subscribers"),
        ("$SYS/x", "broker's own"),
        ("/lab", "empty level"),
        ("lab/", "empty level"),
        ("lab//x", "empty level"),
        ("lab%00", "cannot be shown"),
        ("lab/\udcff", "cannot be shown"),
        ("ü" * 32_768, "over 65535 bytes"),
        ("x" * (65_535 - len("/events") + 1), "over 65535 bytes"),
    ],
)
def test_topics_that_nobody_can_publish_to(topic, why):
    with pytest.raises(OutputError, match="not understood") as error:
        mqtt.MqttPublisher(f"mqtt://127.0.0.1/{topic}", CONTEXT)
    assert why in error.value.why


@pytest.mark.parametrize("login", ["x" * 65_536 + "@", "me:" + "x" * 65_536 + "@"])
def test_a_login_that_is_too_long(login):
    with pytest.raises(OutputError, match="not understood") as error:
        mqtt.MqttPublisher(f"mqtt://{login}127.0.0.1/lab", CONTEXT)
    assert "xxx" not in str(error.value)


def test_threads_end_with_it(broker):
    before = set(threading.enumerate())
    with publisher(broker):
        started = set(threading.enumerate()) - before
        assert len(started) == 2
    wait_until(lambda: not any(thread.is_alive() for thread in started))
