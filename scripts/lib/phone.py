"""A real SIP phone for scripts and tests: a baresip process with a folder of its own, driven over its control socket.

    phone = Phone("1001", password, proxy="127.0.0.1:5060")      the account registers with digest
    phone.dial("5000"); phone.wait("CALL_ESTABLISHED"); phone.keys("1w2#"); phone.hangup()
    phone.heard()                                                 path of a WAV of what it heard

What it says comes from a WAV file (8 kHz mono); what it hears is written by baresip's sndfile module.
"""
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from closes import Closes

CONFIG = """
poll_method epoll
sip_listen {listen}
call_local_timeout 120
call_max_calls 8
audio_path /usr/share/baresip
audio_source {source}
audio_player aufile,{folder}/player.wav
audio_alert aufile,{folder}/alert.wav
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
audio_level no
ausrc_format s16
auplay_format s16
auenc_format s16
audec_format s16
audio_buffer 20-160
rtp_ports {rtp_first}-{rtp_last}
rtp_timeout 0
net_interface {interface}
module_path {modules}
module stdio.so
module g711.so
module g722.so
{codecs}module uuid.so
module srtp.so
module aufile.so
module ausine.so
module sndfile.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
snd_path {folder}/heard
"""


class PhoneError(Exception):
    """A phone did not do what was asked of it; the message says what was expected and what was seen."""


def free_port(host="127.0.0.1", kind=socket.SOCK_STREAM):
    """A port that nobody has just now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def modules_folder():
    for folder in ("/usr/lib/baresip/modules", *glob.glob("/usr/lib/*/baresip/modules")):
        if os.path.isdir(folder):
            return folder
    raise PhoneError("baresip's modules were not found: install the Debian package baresip-core")


def silence(path, seconds):
    """Writes a WAV of silence: a phone that says nothing still sends packets."""
    subprocess.run(["sox", "-n", "-r", "8000", "-c", "1", "-b", "16", path, "trim", "0", str(seconds)], check=True)


class Phone(Closes):
    """One baresip. A context manager: leaving it ends the process and removes its folder."""

    def __init__(self, user, password="", proxy="127.0.0.1:5060", say=None, answer="manual", codec="PCMU/8000/1",
                 transport="udp", register=True, dtmf="rtpevent", srtp=None, ice=False):
        if shutil.which("baresip") is None:
            raise PhoneError("baresip is not installed: run scripts/install-deps")
        self.user = user
        self.proxy = proxy
        # Loaded only where it is wanted: a phone offers the codecs of every module that it has.
        self._more_modules = [one for one in ("opus", "g726", "gsm", "amr", "l16") if codec.lower().startswith((one, f"aal2-{one}"))]
        self.folder = tempfile.mkdtemp(prefix=f"tandem-phone-{user}-")
        os.mkdir(f"{self.folder}/heard")
        if ice:
            self._more_modules.append("ice")
        v6 = proxy.startswith("[")
        host = "[::1]" if v6 else "127.0.0.1"
        if say is None:
            say = f"{self.folder}/silence.wav"
            silence(say, 300)
        interval = 120 if register else 0
        encryption = f";mediaenc={srtp}" if srtp else ""  # "srtp": a=crypto in RTP/AVP; "srtp-mand": RTP/SAVP or nothing
        encryption += ";medianat=ice" if ice else ""
        domain = proxy.rsplit(":", 1)[0]
        port = proxy.rsplit(":", 1)[1]
        with open(f"{self.folder}/accounts", "w") as out:
            out.write(f"<sip:{user}@{domain}:{port};transport={transport}>;auth_user={user};auth_pass={password or 'none'};"
                      f"regint={interval};answermode={answer};audio_codecs={codec};dtmfmode={dtmf};ptime=20;mwi=no;"
                      f'outbound="sip:{domain}:{port};transport={transport}"{encryption}\n')
        os.chmod(f"{self.folder}/accounts", 0o600)
        open(f"{self.folder}/contacts", "w").close()
        self.events = []
        self.seen = 0
        self.buffer = b""
        self.log = self.process = None
        local = proxy.startswith("127.") or proxy.startswith("[::1]")
        try:
            for attempt in (1, 2, 3):
                try:
                    self._start(host, local, say)
                    break
                except PhoneError:  # a port that was free has been taken meanwhile
                    if attempt == 3:
                        raise
            if register:
                self._wait_registered(8)
        except BaseException:
            self.close()
            raise

    def _start(self, host, local, say):
        self.sip_port = free_port(host.strip("[]"), socket.SOCK_DGRAM)
        self.control_port = free_port()
        rtp_first = 10000 + (free_port() % 4000) // 2 * 2
        with open(f"{self.folder}/config", "w") as out:
            out.write(CONFIG.format(listen=f"{host if local else '0.0.0.0'}:{self.sip_port}", folder=self.folder,
                                    source=f"aufile,{say}", control=self.control_port, rtp_first=rtp_first,
                                    rtp_last=rtp_first + 200, modules=modules_folder(),
                                    interface=host.strip("[]") if local else "",
                                    codecs="".join(f"module {one}.so\n" for one in self._more_modules)))
        if self.log is not None:
            self.log.close()
        self.log = open(f"{self.folder}/log", "wb")
        self.process = subprocess.Popen(["baresip", "-f", self.folder, "-v"], stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=subprocess.STDOUT, start_new_session=True)
        self.control = self._connect()

    def _connect(self):
        deadline = time.monotonic() + 8
        while time.monotonic() < deadline:
            try:
                return socket.create_connection(("127.0.0.1", self.control_port), 1)
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        self._end()
        raise PhoneError(f"phone {self.user} did not start; its last lines:\n{self.tail()}")

    def _wait_registered(self, seconds):
        """By its log: the answer may have come before we were connected."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.poll(0.05)
            answer = re.search(r"(?:\{0/[^}]*\}|reg: [^\n]*:) (\d{3} [^\n]*)", self.tail(100))
            if answer and answer[1].startswith("2"):
                return
            failed = [e.get("param") for e in self.events if e["type"] == "REGISTER_FAIL"]
            if answer or failed:
                raise PhoneError(f"phone {self.user} could not register: {answer[1] if answer else failed[0]}")
        raise PhoneError(f"phone {self.user} did not register within {seconds} s\n{self.tail()}")

    def tail(self, lines=12):
        with open(f"{self.folder}/log", errors="replace") as log:
            return "".join(log.read().replace("\r", "\n").splitlines(True)[-lines:])

    def command(self, name, params=""):
        text = json.dumps({"command": name, "params": params}).encode()
        self.control.sendall(b"%d:%s," % (len(text), text))

    def poll(self, seconds=0.0):
        """Takes in what the phone tells, for up to so many seconds (at least once)."""
        self.control.settimeout(max(seconds, 0.01))
        try:
            data = self.control.recv(65536)
        except (TimeoutError, socket.timeout):
            return
        if not data:
            raise PhoneError(f"phone {self.user} ended; its last lines:\n{self.tail()}")
        self.buffer += data
        while b":" in self.buffer:
            size, rest = self.buffer.split(b":", 1)
            if len(rest) <= int(size):
                return
            message = json.loads(rest[:int(size)])
            self.buffer = rest[int(size) + 1:]
            if message.get("event"):
                message["at"] = time.monotonic()
                self.events.append(message)

    def wait(self, kind, seconds=10, contains=""):
        """The next event of this kind; kinds are baresip's: CALL_INCOMING, CALL_ESTABLISHED, CALL_CLOSED…"""
        deadline = time.monotonic() + seconds
        while True:
            while self.seen < len(self.events):
                event = self.events[self.seen]
                self.seen += 1
                if event["type"] == kind and contains in str(event.get("param", "")):
                    return event
                if kind == "CALL_ESTABLISHED" and event["type"] == "CALL_CLOSED":
                    raise PhoneError(f"phone {self.user}: the call ended before it was answered: {event.get('param')}")
            if time.monotonic() > deadline:
                kinds = ", ".join(e["type"] for e in self.events[-6:]) or "nothing"
                raise PhoneError(f"phone {self.user}: expected {kind} within {seconds} s, saw {kinds}\n{self.tail()}")
            self.poll(0.1)

    def happened(self, kind):
        self.poll()
        return any(event["type"] == kind for event in self.events)

    def dial(self, number):
        domain, port = self.proxy.rsplit(":", 1)
        self.command("dial", number if "sip:" in number else f"sip:{number}@{domain}:{port}")

    def answer(self):
        self.command("accept")

    def hangup(self):
        self.command("hangup")

    def keys(self, keys, gap=0.35):
        """Presses keys as telephone-events; w waits a second."""
        for key in keys:
            if key in "wW":
                self.pause(1)
                continue
            self.command("sndcode", key)
            self.pause(gap)

    def pause(self, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.poll(min(0.1, max(0.01, deadline - time.monotonic())))

    def heard_parts(self):
        """The WAVs of what was heard, oldest first: baresip begins a new one when a hold begins or ends."""
        return sorted(glob.glob(f"{self.folder}/heard/*-dec.wav"), key=os.path.getmtime)

    def heard(self):
        """The newest WAV, complete once the call has ended; None when nothing was heard."""
        return (self.heard_parts() or [None])[-1]

    def _end(self):
        if self.process is not None and self.process.poll() is None:
            try:
                self.command("quit")
                self.process.wait(3)
            except (OSError, AttributeError, subprocess.TimeoutExpired):
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def close(self):
        self._end()
        if self.log is not None:
            self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
