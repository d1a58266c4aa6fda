"""A real S3 server for the storage contract. Its data, sockets and ports are gone when the tests end."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from config.office.services import FREE_PORTS
from config.settings import Settings

BUCKET = "madoguchi-test"
SECRET = "only-for-tests-on-loopback"
_GRPC_IS = 10_000  # the server's own worker looks for its administration this far above the plain port
_PORTS = (
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "volume.port.public",
    "filer.port",
    "filer.port.grpc",
    "filer.port.public",
    "s3.port",
    "s3.port.grpc",
)


def settings(folder: Path, storage_url: str, s3_endpoint: str | None = None) -> Settings:
    return Settings(
        database_url="sqlite://",
        redis_url="redis://127.0.0.1:1",
        storage_url=storage_url,
        secret_key="x" * 32,
        incoming=folder / "incoming",
        s3_endpoint=s3_endpoint,
        s3_access_key="madoguchi",
        s3_secret_key=SECRET,
    )


@pytest.fixture(scope="session")
def s3_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a SeaweedFS that holds one empty bucket."""
    folder = tmp_path_factory.mktemp("s3")
    ports = _free_ports()
    command = [
        str(Path(sys.executable).with_name("weed")),
        "mini",
        f"-dir={folder}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        f"-bucket={BUCKET}",
        "-admin.ui=false",
        "-webdav=false",
        "-master.telemetry=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        f"-filer.localSocket={folder}/filer.sock",
        f"-s3.localSocket={folder}/s3.sock",
        *(f"-{name}={port}" for name, port in ports.items()),
    ]
    environment = {
        "PATH": os.defpath,
        "HOME": str(folder),
        "AWS_ACCESS_KEY_ID": "madoguchi",
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }
    with (folder / "server.log").open("wb") as talk:
        server = subprocess.Popen(command, env=environment, cwd=folder, stdout=talk, stderr=talk)
        try:
            endpoint = f"http://127.0.0.1:{ports['s3.port']}"
            _wait_for(endpoint, server, folder / "server.log")
            yield endpoint
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
            for port in ports.values():
                for left in Path("/tmp").glob(f"seaweedfs-*-grpc-{port}.sock"):  # noqa: S108  (where it puts them)
                    left.unlink()


def _free_ports() -> dict[str, int]:
    with ExitStack() as held:

        def take(port: int = 0) -> int:
            sock = held.enter_context(socket.socket())
            sock.bind(("127.0.0.1", port))
            return int(sock.getsockname()[1])

        ports = {name: take() for name in _PORTS}
        for port in random.sample(FREE_PORTS, 100):
            try:
                return ports | {"admin.port": take(port), "admin.port.grpc": take(port + _GRPC_IS)}
            except OSError:
                continue
        raise RuntimeError("no two free ports for the S3 server")


def _wait_for(endpoint: str, server: subprocess.Popen[bytes], talk: Path) -> None:
    client = boto3.Session().client(
        "s3",
        endpoint_url=endpoint,
        region_name="ap-northeast-1",
        aws_access_key_id="madoguchi",
        aws_secret_access_key=SECRET,
        config=Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1}),
    )
    deadline = time.monotonic() + 30
    while True:
        try:
            client.put_object(Bucket=BUCKET, Key="started", Body=b"")
        except (BotoCoreError, ClientError):
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the S3 server did not start:\n{talk.read_text()[-2000:]}") from None
            time.sleep(0.1)
        else:
            client.delete_object(Bucket=BUCKET, Key="started")
            client.close()
            return
