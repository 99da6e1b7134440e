"""Linphone's linphonec as a phone that hears: it calls a UAS of a test's own, which answers with SDP of its choosing.

    with Linphone() as phone: offer = phone.call(); phone.answer(sdp); …; phone.hangup(); phone.heard()

It only listens: Debian 12's (5.1.65) ends with a fault in its MSVadDtx as soon as it speaks where comfort noise was
agreed on. So the answer should say a=sendonly. It takes some 6 s until it has found a network.
"""
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

import audio
from closes import Closes
from system import Skipped

CONFIG = """[sip]
sip_port={port}
sip_tcp_port=0
sip_tls_port=0
use_ipv6=0
contact="phone" <sip:phone@127.0.0.1>
media_encryption=none
[rtp]
audio_rtp_port={rtp}
[misc]
use_cn=1
history_max_size=0
[sound]
echocancellation=0
agc=0
[video]
enabled=0
[audio_codec_0]
mime=PCMU
rate=8000
channels=1
enabled=1
"""


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]


class Linphone(Closes):
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="tandem-linphone-")
        os.makedirs(f"{self.folder}/.local/share/linphone")
        os.makedirs(f"{self.folder}/.config/linphone")
        self.rtp_port = free_udp_port()
        with open(f"{self.folder}/rc", "w") as out:
            out.write(CONFIG.format(port=free_udp_port(), rtp=self.rtp_port))
        self.uas = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.uas.bind(("127.0.0.1", 0))
        self.uas.settimeout(5)
        self.invite, self.caller = "", None
        with open(f"{self.folder}/said", "wb") as said:
            self.process = subprocess.Popen(
                ["linphonec", "-c", f"{self.folder}/rc", "-d", "5", "-l", f"{self.folder}/log"], stdin=subprocess.PIPE, stdout=said,
                stderr=subprocess.STDOUT, cwd=self.folder, env=dict(os.environ, HOME=self.folder), start_new_session=True)
        deadline = time.monotonic() + 15
        while not self.logged("SIP network reachability state is now [UP]"):
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.close()
                raise Skipped("linphonec finds no network on this system: it wants a route to somewhere")
            time.sleep(0.1)

    def _say(self, command):
        self.process.stdin.write(f"{command}\n".encode())
        self.process.stdin.flush()

    def logged(self, text):
        return os.path.exists(f"{self.folder}/log") and text in open(f"{self.folder}/log", errors="replace").read()

    def call(self):
        """Its offer."""
        self._say("soundcard use files")
        self._say(f"record {self.folder}/heard.wav")
        time.sleep(0.3)
        self._say(f"call sip:uas@127.0.0.1:{self.uas.getsockname()[1]}")
        data, self.caller = self.uas.recvfrom(8192)
        self.invite = data.decode()
        assert self.invite.startswith("INVITE"), self.invite
        return self.invite.split("\r\n\r\n", 1)[1]

    def answer(self, sdp):
        head = self.invite.split("\r\n\r\n")[0]
        lines = re.findall(r"(?im)^((?:via|from|call-id|cseq):[^\r]*)", head)
        to = re.search(r"(?im)^to:[^\r]*", head)[0]
        self.uas.sendto(("SIP/2.0 200 OK\r\n" + "\r\n".join(lines) + f"\r\n{to};tag=uas\r\nContact: <sip:uas@127.0.0.1:"
                         f"{self.uas.getsockname()[1]}>\r\nContent-Type: application/sdp\r\nContent-Length: {len(sdp)}"
                         f"\r\n\r\n{sdp}").encode(), self.caller)
        deadline = time.monotonic() + 5
        while not self.logged("LinphoneCallStreamsRunning"):
            assert time.monotonic() < deadline, "linphonec did not take the answer"
            time.sleep(0.05)

    def hangup(self):
        self._say("terminate")
        time.sleep(0.3)
        self._say("quit")
        self.process.wait(10)

    def heard(self):
        return audio.read_wav(f"{self.folder}/heard.wav")

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdin.close()
        self.uas.close()
        shutil.rmtree(self.folder, ignore_errors=True)
