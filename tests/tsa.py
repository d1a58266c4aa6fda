"""A time stamping authority on this machine: ``openssl ts`` behind a little HTTP, as RFC 3161 wants it."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock

CONFIG = """
[tsa]
default_tsa = it
[it]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
certs = {folder}/ca.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_chain = no
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[stamps]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[revoking]
default_ca = revoker
[revoker]
database = {folder}/index
default_md = sha256
default_crl_days = 9000
crlnumber = {folder}/crlnumber
"""


@dataclass
class Tsa:
    """``mood``: well, slow, garbage, wrong (another's stamp), refusing."""

    folder: Path
    url: str = ""
    mood: str = "well"
    asked: int = 0
    turn: Lock = field(default_factory=Lock)

    @property
    def trust(self) -> Path:
        """Its CA and that one's list of what was revoked, as an office is given them."""
        return self.folder / "trust.pem"

    def answer(self, query: bytes) -> bytes:
        self.asked += 1
        if self.mood == "slow":
            time.sleep(3)
        if self.mood == "garbage":
            return b"\x30\x03garbage"
        if self.mood == "wrong":
            query = self._openssl("ts", "-query", "-data", str(self.trust), "-sha256", "-cert")
        if self.mood == "refusing":
            query = b"\x30\x00"
        with self.turn:  # a slow one's answer comes beside the next one's: one question lies there at a time
            (self.folder / "query").write_bytes(query)
            return self._openssl("ts", "-reply", "-queryfile", "query", "-config", "tsa.cnf", "-section", "it")

    def make(self) -> None:
        self.folder.mkdir(parents=True)
        (self.folder / "tsa.cnf").write_text(CONFIG.format(folder=self.folder))
        for name, content in (("serial", "01"), ("crlnumber", "01"), ("index", "")):
            (self.folder / name).write_text(content)
        new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config", "tsa.cnf")
        days = ("-days", "10000")
        self._openssl(
            *("req", "-x509", *new, "-extensions", "ca", *days),
            *("-subj", "/CN=Stamp CA", "-keyout", "ca.key", "-out", "ca.pem"),
        )
        self._openssl("req", *new, "-subj", "/CN=Stamps", "-keyout", "tsa.key", "-out", "tsa.csr")
        self._openssl(
            *("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
            *("-extfile", "tsa.cnf", "-extensions", "stamps", *days, "-out", "tsa.pem"),
        )
        self._openssl(
            *("ca", "-gencrl", "-config", "tsa.cnf", "-name", "revoker"),
            *("-cert", "ca.pem", "-keyfile", "ca.key", "-out", "ca.crl"),
        )
        self.trust.write_bytes((self.folder / "ca.pem").read_bytes() + (self.folder / "ca.crl").read_bytes())

    def _openssl(self, *arguments: str) -> bytes:
        done = subprocess.run(["openssl", *arguments], cwd=self.folder, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout


@contextmanager
def served(folder: Path) -> Iterator[Tsa]:
    """One that answers until the block ends."""
    tsa = Tsa(folder)
    tsa.make()

    class Counter(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/timestamp-query"
            said = tsa.answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Counter)
    tsa.url = f"http://127.0.0.1:{server.server_port}/"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield tsa
    finally:
        server.shutdown()
        server.server_close()
