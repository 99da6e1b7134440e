"""sipp for tests: a scenario from scenarios/, filled in, run once (or often), with what it sent and received kept.

    run = Sipp(system, "call", user="1001", service="7001", talk=pcap("5")); run.wait()      fails on a wrong answer

@NAME@ in a scenario is replaced by an option in capitals; [brackets] are sipp's own.
"""
import os
import re
import shutil
import subprocess
import tempfile

from closes import Closes
from system import free_port

HERE = os.path.dirname(os.path.realpath(__file__))
SCENARIOS = os.path.join(HERE, "..", "scenarios")
PCAPS = "/usr/share/sip-tester"

SDP = """v=0
o=sipp 53655765 2353687637 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=ptime:20
a=@DIRECTION@
"""


def sdp(direction="sendrecv", version=None):
    text = SDP.replace("@DIRECTION@", direction)
    return text if version is None else text.replace("2353687637", str(2353687637 + version))


def body(text):
    """The end of a SIP message: the headers of the body, and the body."""
    return f"Content-Type: application/sdp\nContent-Length: [len]\n\n{text}" if text else "Content-Length: 0\n\n"


def pause(ms):
    return f'<pause milliseconds="{ms}"/>'


def pcap(key):
    """Sends a key as the telephone-events of sipp's own capture (three end packets share one sequence number)."""
    return f'<nop><action><exec play_pcap_audio="{PCAPS}/dtmf_2833_{key}.pcap"/></action></nop>'


def expect(pattern, header=None, variable="found"):
    """An action for a recv: the message (or one header) matches, or the scenario fails."""
    where = f'search_in="hdr" header="{header}"' if header else 'search_in="msg"'
    return f'<action><ereg regexp="{pattern}" {where} check_it="true" assign_to="{variable}"/></action>'


class Sipp(Closes):
    def __init__(self, system, scenario, user="1001", password=None, service="7001", calls=1, host="127.0.0.1",
                 port=None, seconds=30, arguments=(), **fields):
        self.folder = tempfile.mkdtemp(prefix="tandem-sipp-")
        self.seconds = seconds
        with open(f"{SCENARIOS}/{scenario}.xml") as file:
            text = file.read()
        values = {"USER": user, "HEADERS": "", "TALK": pause(500), "OFFER": body(sdp()), "ACK_BODY": body(""),
                  "ON_ANSWER": "", "EXPECT": "200", "EXPIRES": 120,
                  "PASSWORD": system.accounts()[user]["password"] if password is None else password}
        values.update({name.upper(): value for name, value in fields.items()})
        if not values["HEADERS"]:
            text = text.replace("@HEADERS@\n", "")  # an empty line would end the headers
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        names = sorted(set(re.findall(r'assign_to="(\w+)"', text)))
        if names:  # sipp insists that a variable is used
            text = text.replace("</scenario>", f'<Reference variables="{",".join(names)}"/>\n</scenario>')
        left = re.findall(r"@[A-Z_]+@", text)
        assert not left, f"{scenario}.xml: nothing was given for {left}"
        with open(f"{self.folder}/scenario.xml", "w") as file:
            file.write(text)
        self.port = port or free_port(16000 + os.getpid() % 100 * 10)
        self.media_port = free_port(17000 + os.getpid() % 100 * 20, step=4)  # it takes two more, for video
        target = f"[{host}]" if ":" in host else host
        self.process = subprocess.Popen(
            ["sipp", f"{target}:{system.sip_port}", "-sf", f"{self.folder}/scenario.xml", "-s", service, "-i", target,
             "-p", str(self.port), "-mi", target, "-mp", str(self.media_port), "-m", str(calls), "-l", str(calls),
             "-nostdin", "-trace_err", "-error_file", f"{self.folder}/errors", "-trace_msg", "-message_file",
             f"{self.folder}/messages", "-timeout", f"{seconds}s", "-timeout_error", "-recv_timeout",
             str(1000 * seconds), *arguments],
            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def messages(self):
        try:
            with open(f"{self.folder}/messages", errors="replace") as file:
                return file.read()
        except OSError:
            return ""

    def running(self):
        return self.process.poll() is None

    def wait(self):
        """Until the scenario has ended; raises with what sipp said when it failed."""
        try:
            _, said = self.process.communicate(timeout=self.seconds + 5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"sipp did not end within {self.seconds + 5} s") from None
        if self.process.returncode != 0:
            errors = ""
            if os.path.exists(f"{self.folder}/errors"):
                with open(f"{self.folder}/errors", errors="replace") as file:
                    errors = file.read()
            raise AssertionError(f"sipp ended with {self.process.returncode}: "
                                 f"{(errors + said.decode('utf-8', 'replace'))[-1500:]}")
        return self

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
