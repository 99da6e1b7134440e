"""A complete Tandem for tests: the released binary, its managed Kamailio on free loopback ports, a state folder of
its own, the demo's tenant. Everything it started is gone after stop(); what is not is a failure.

    with System(options) as system: system.phone("1001"); system.api.call("status"); system.kill_kamailio()
"""
import contextlib
import glob
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

from api import Api, ApiError
from lamp import credentials

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
sys.path.insert(0, f"{ROOT}/scripts/lib")
from phone import Phone  # noqa: E402

CONFIG = """
[server]
state_dir = "{state}"
log_level = "{log_level}"
hold_music = "{hold_music}"
demo = true
{server}
[media]
address = ["127.0.0.1", "::1"]
port_min = {port_min}
port_max = {port_max}
{media}
[api]
listen = "127.0.0.1:{api_port}"
{top}
[plugin.kamailio]
mode = "managed"
address = ["127.0.0.1", "::1"]
port = {sip_port}
ws_port = {ws_port}
state_dir = "{state}/kamailio"
shm_mb = {shm_mb}
{kamailio}
"""


def free_port(wanted, host="127.0.0.1", step=1):
    """A port free for UDP and TCP on both loopback addresses, from the range below the kernel's own."""
    for port in range(wanted, wanted + 400, step):
        try:
            for family, address in ((socket.AF_INET, host), (socket.AF_INET6, "::1")):
                for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                    with socket.socket(family, kind) as probe:
                        probe.bind((address, port))
            return port
        except OSError:
            continue
    raise RuntimeError(f"no free port from {wanted} to {wanted + 400}")


def binary(build="release"):
    path = os.environ.get("TANDEM_BINARY") or f"{ROOT}/build/{build}/bin/tandem"
    if not os.path.exists(path):
        raise FileNotFoundError(f"{path} is not built: run scripts/test, or name one in TANDEM_BINARY")
    return path


def processes_of(marker):
    """(pid, command line) of every process whose command line has the marker: how leftovers are found."""
    found = []
    for folder in glob.glob("/proc/[0-9]*"):
        try:
            with open(f"{folder}/cmdline", "rb") as file:
                line = file.read().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if marker in line and int(folder[6:]) != os.getpid():
            found.append((int(folder[6:]), line.strip()))
    return found


class Skipped(Exception):
    """What a test needs is not to be had on this system; the message says what."""


class System:
    def __init__(self, build="release", media="", server="", top="", kamailio="", hold_music="", scripts=(), log_level="info", shm_mb=128,
                 small_recordings_kb=0):
        self.binary = binary(build)
        self.folder = tempfile.mkdtemp(prefix="tandem-e2e-")
        self.state = f"{self.folder}/state"
        self.prompts = f"{self.state}/prompts"
        os.makedirs(self.prompts)
        os.chmod(self.state, 0o700)
        first = 5100 + os.getpid() % 200 * 10
        self.sip_port = free_port(first)
        self.ws_port = free_port(self.sip_port + 1)
        self.api_port = free_port(self.ws_port + 1)
        if scripts:
            top += "[scripts]\nroots = " + json.dumps([f"{ROOT}/plugins", *scripts]) + "\n"
        self.port_min = 20000 + os.getpid() % 5 * 2000
        self.config = f"{self.folder}/tandem.toml"
        with open(self.config, "w") as out:
            out.write(CONFIG.format(state=self.state, log_level=log_level, hold_music=hold_music, server=server,
                                    port_min=self.port_min, port_max=self.port_min + 1999, media=media, api_port=self.api_port, top=top,
                                    sip_port=self.sip_port, ws_port=self.ws_port, kamailio=kamailio, shm_mb=shm_mb))
        self.process, self.phones = None, []
        self.small_recordings_kb = small_recordings_kb
        self.log = f"{self.folder}/tandem.log"
        self.api, self.own_kamailio = None, None

    # -- the server
    def _command(self):
        command = [self.binary, "serve", "--config", self.config]
        if not self.small_recordings_kb:
            return command
        # A disk of its own for the recordings, seen by this process only and gone with it.
        own = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
        folder = f"{self.state}/recordings"
        os.makedirs(folder, 0o700, exist_ok=True)
        mount = f'mount -t tmpfs -o size={self.small_recordings_kb}k,mode=700 none "{folder}"'
        if subprocess.run([*own, "sh", "-c", mount], capture_output=True).returncode != 0:
            raise Skipped("this system allows no mounts of one's own")
        return [*own, "sh", "-c", mount + ' && exec "$@"', "sh", *command]

    def inside(self, path):
        """A file as the server sees it."""
        return f"/proc/{self.process.pid}/root{path}"

    def start(self, seconds=20):
        """Starts Tandem and waits until calls are possible."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self._command(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, start_new_session=True)
        self.wait_up(seconds)
        return self

    def wait_up(self, seconds=20):
        """How long it took until the API answered and the link was up, s."""
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            if self.process.poll() is not None:
                raise AssertionError(f"tandem ended with {self.process.returncode}:\n{self.tail()}")
            try:
                with open(f"{self.state}/api-token") as file:
                    self.api = Api(self.api_port, file.read().strip())
                if self.api.call("status").get("link") == "up" and self.accounts() and self.serves():
                    return time.monotonic() - begun
            except (OSError, ApiError, ValueError):
                pass
            time.sleep(0.02)
        raise AssertionError(f"tandem was not ready after {seconds} s:\n{self.tail()}")

    def serves(self, host="127.0.0.1"):
        """Whether 1001 may register: a REGISTER with digest and without a contact, which changes nothing."""
        account = self.accounts()["1001"]
        uri = f"sip:{host}:{self.sip_port}"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
            probe.settimeout(0.3)
            here, number = f"{host}:{probe.getsockname()[1]}", time.monotonic_ns()
            proof = ""
            for cseq in (1, 2):
                probe.sendto((f"REGISTER {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK{number}{cseq}\r\n"
                              f"From: <sip:1001@{host}>;tag={number}\r\nTo: <sip:1001@{host}>\r\nCall-ID: {number}\r\n"
                              f"CSeq: {cseq} REGISTER\r\nMax-Forwards: 70\r\n{proof}Content-Length: 0\r\n\r\n").encode(),
                             (host, self.sip_port))
                answer = probe.recv(4096).decode("utf-8", "replace")
                if not answer.startswith("SIP/2.0 401"):
                    return answer.startswith("SIP/2.0 200")
                proof = credentials(answer, "REGISTER", uri, "1001", account["password"])
        return False

    def accounts(self):
        path = next((p for p in (f"{self.state}/accounts.json", f"{self.state}/tandem.db.accounts")
                     if os.path.exists(p)), None)
        if path is None:
            return {}
        with open(path) as file:
            return {row["user"]: row for row in json.load(file)["accounts"]}

    def tail(self, lines=25):
        with open(self.log, errors="replace") as file:
            return "".join(line[:300].rstrip() + "\n" for line in file.readlines()[-lines:])

    def kamailio_errors(self, lines=4):
        try:
            with open(f"{self.state}/kamailio/kamailio.log", errors="replace") as file:
                bad = [line[:300] for line in file if "ERROR" in line or "CRITICAL" in line]
            return "".join(bad[-lines:])
        except OSError:
            return ""

    def logged(self, text):
        with open(self.log, errors="replace") as file:
            return text in file.read()

    def kamailios(self):
        return processes_of(f"{self.state}/kamailio/kamailio.cfg")

    def kill_kamailio(self):
        """As a crash would: every process of it at once."""
        pids = [pid for pid, _ in self.kamailios()]
        assert pids, "no Kamailio was running"
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return pids

    def has_on_disk(self, phone):
        """Whether the phone's registration is written."""
        with contextlib.closing(sqlite3.connect(f"file:{self.state}/kamailio/registrations.db?mode=ro", uri=True)) as kept:
            return kept.execute("SELECT COUNT(*) FROM location WHERE username = ? AND contact LIKE ?",
                                (phone.user, f"%:{phone.sip_port}%")).fetchone()[0] > 0

    def wait_kamailio(self, seconds=15):
        """Until Kamailio is back and linked."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if self.kamailios() and self.api.call("status").get("link") == "up" and self.serves():
                    return
            except (OSError, ApiError):
                pass
            time.sleep(0.05)
        raise AssertionError(f"Kamailio was not back after {seconds} s:\n{self.tail()}")

    def kill(self):
        """kill -9 of Tandem alone."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop_and_run_kamailio(self):
        """Stops Tandem and starts Kamailio by hand with the same files: an operator's own, in external mode."""
        wrong = self.stop()
        assert not wrong, wrong
        folder = f"{self.state}/kamailio"
        program = shutil.which("kamailio") or "/usr/sbin/kamailio"
        with open(f"{folder}/own.log", "wb") as log:
            self.own_kamailio = subprocess.Popen(
                [program, "-DD", "-f", f"{folder}/kamailio.cfg", "-m", "128", "-M", "16", "-Y", folder, "-w", folder],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        with open(self.config) as file:
            text = file.read()
        with open(self.config, "w") as file:
            file.write(text.replace('mode = "managed"', 'mode = "external"'))

    # -- what talks to it
    def phone(self, user, password=None, host="127.0.0.1", **options):
        phone = Phone(user, self.accounts()[user]["password"] if password is None else password,
                      f"{host}:{self.sip_port}", **options)
        self.phones.append(phone)
        return phone

    def hang_up_everything(self):
        """Between two tests: no phone, no call."""
        for phone in self.phones:
            phone.close()
        self.phones.clear()
        try:
            for call in self.api.call("call.list")["calls"]:
                self.api.call("call.hangup", call=call["call"])
        except (OSError, ApiError):
            pass

    def wait_idle(self, seconds=5):
        """Until no call is left."""
        deadline = time.monotonic() + seconds
        while calls := self.api.call("call.list")["calls"]:
            if time.monotonic() > deadline:
                raise AssertionError(f"calls are left over: {json.dumps(calls)[:600]}")
            time.sleep(0.05)

    def stop(self, seconds=15):
        """SIGTERM; then nothing of it may be left. Returns what was wrong."""
        wrong = []
        for phone in self.phones:
            phone.close()
        self.phones.clear()
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                code = self.process.wait(seconds)
                if code != 0:
                    wrong.append(f"tandem ended with {code} on SIGTERM")
            except subprocess.TimeoutExpired:
                wrong.append(f"tandem did not end within {seconds} s of SIGTERM")
                self.process.kill()
                self.process.wait()
        if self.own_kamailio is not None and self.own_kamailio.poll() is None:
            self.own_kamailio.terminate()
            self.own_kamailio.wait(10)
        for _ in range(20):
            left = processes_of(self.folder)
            if not left:
                break
            time.sleep(0.1)
        for pid, line in left:
            wrong.append(f"left over: {pid} {line}")
            os.kill(pid, signal.SIGKILL)
        return wrong

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)
