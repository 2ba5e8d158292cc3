"""An S3 on this machine, and a way to it that can break."""

import socket
import struct
import threading
from contextlib import contextmanager, suppress

import boto3
import s3fs
from moto.server import ThreadedMotoServer

BUCKET = "bucket"


@contextmanager
def s3_server(monkeypatch, line=False):
    """Serve a bucket, to which the environment leads; give a client, or the breakable `Line` to it as well."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    way = Line(host, port) if line else None
    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in {**keys, "AWS_MAX_ATTEMPTS": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{way.port if way else port}")
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    s3fs.S3FileSystem.clear_instance_cache()
    client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}")
    client.create_bucket(Bucket=BUCKET)
    try:
        yield (client, way) if line else client
    finally:
        if way:
            way.close()
        server.stop()
        s3fs.S3FileSystem.clear_instance_cache()


class Line:
    """Passes bytes on to a server; with a number in `left`, it breaks after so many of a connection."""

    def __init__(self, host, port):
        self.left = None
        self._to = host, port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def _accept(self):
        with suppress(OSError):
            while True:
                near, far = self._listener.accept()[0], socket.create_connection(self._to)
                threading.Thread(target=self._pass, args=(near, far, True), daemon=True).start()
                threading.Thread(target=self._pass, args=(far, near, False), daemon=True).start()

    def _pass(self, source, target, counted):
        passed = 0
        with suppress(OSError):
            while data := source.recv(1 << 14):
                passed += len(data)
                if counted and self.left is not None and passed > self.left:
                    # A reset: an end that is announced would be waited for.
                    source.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    source.close()
                    break
                target.sendall(data)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
