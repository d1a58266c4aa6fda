"""A stand-in office for the tests of supervision: a real supervisor over small real processes.

``python -m tests.config.small_office FOLDER KIND…``. It writes the process ids of its children to FOLDER/pids
at each start and prints what it says. Kinds: ``web`` (a port of its own, /healthz, and a helper process that
leaves its group), ``plain`` (the same without the helper), ``doomed`` (ends at once).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from config.office import services
from config.office.children import Asked, CannotGoOn, Crew, Service, hearing

WEB = """
import http.server, os, subprocess, sys
note = "import os, sys, time; os.setpgid(0, 0); open(sys.argv[1], 'a').write(f'{os.getpid()}\\\\n'); time.sleep(60)"
class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
open(sys.argv[1], 'a').write(f'{os.getpid()}\\n')
if sys.argv[3] == 'web':
    subprocess.Popen([sys.executable, '-c', note, sys.argv[1]])
if sys.argv[3] == 'doomed':
    sys.exit('no luck')
http.server.HTTPServer(('127.0.0.1', int(sys.argv[2])), Healthy).serve_forever()
"""


def main() -> int:
    folder, kinds = Path(sys.argv[1]), sys.argv[2:]
    try:
        with hearing(), Crew(folder, lambda text: print(text, flush=True)) as crew:
            for number, kind in enumerate(kinds):
                crew.start(_service(f"{kind}{number}", kind, folder))
            print("ready", flush=True)
            crew.watch()
    except CannotGoOn as reason:
        print(reason, flush=True)
        return 1
    except Asked:
        print("stopped", flush=True)
    return 0


def _service(name: str, kind: str, folder: Path) -> Service:
    port = services.free_port()
    command = [sys.executable, "-c", WEB, str(folder / "pids"), str(port), kind]
    return Service(name=name, command=command, environ=os.environ, ready=services.healthy(port), patience=20)


if __name__ == "__main__":
    sys.exit(main())
