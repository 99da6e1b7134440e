"""An operator's own Kamailio that drives rtpengine: registrar, record-routing, rtpengine_manage(), as its module's
documentation shows it. It knows nothing of Tandem but the address that rtpengine would have.

    with Proxy(ng_port, uas_port=…) as proxy: Phone("1001", proxy=f"127.0.0.1:{proxy.port}", …)
"""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from closes import Closes
from system import Skipped, free_port

CONFIG = """#!KAMAILIO
debug=2
log_stderror=yes
children=2
listen=udp:127.0.0.1:{port}
mpath="{modules}"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "sanity.so"
loadmodule "rtpengine.so"
modparam("rr", "enable_full_lr", 1)
modparam("rtpengine", "rtpengine_sock", "{socket}")
{more}
request_route {{
  {first}
  if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
  if (is_method("CANCEL")) {{
    rtpengine_manage();
    if (t_check_trans()) t_relay();
    exit;
  }}
  if (has_totag()) {{
    if (loose_route()) {{
      if (is_method("INVITE|ACK|BYE")) rtpengine_manage("{flags}");
      {after}
      if (is_method("INVITE")) t_on_reply("MEDIA");
      if (!t_relay()) sl_reply_error();
    }} else if (is_method("ACK") && t_check_trans()) t_relay();
    exit;
  }}
  t_check_trans();
  if (is_method("REGISTER")) {{
    save("location");
    exit;
  }}
  if (is_method("INVITE|SUBSCRIBE")) record_route();
  if ($rU == "service") {{
    $du = "sip:127.0.0.1:{uas_port}";
  }} else if (!lookup("location")) {{
    sl_send_reply("404", "Not Found");
    exit;
  }}
  if (is_method("INVITE")) {{
    rtpengine_manage("{flags}");
    t_on_reply("MEDIA");
    t_on_failure("FAILED");
  }}
  if (!t_relay()) sl_reply_error();
}}

onreply_route[MEDIA] {{
  if (status =~ "(18[03])|(2[0-9][0-9])") rtpengine_manage("{flags}");
}}

failure_route[FAILED] {{
  rtpengine_manage();
}}
"""

MOS = """loadmodule "xlog.so"
modparam("rtpengine", "mos_average_pv", "$avp(mos_average)")
modparam("rtpengine", "mos_average_samples_pv", "$avp(mos_samples)")
modparam("rtpengine", "mos_min_pv", "$avp(mos_min)")
modparam("rtpengine", "mos_max_pv", "$avp(mos_max)")
"""
FUNCTIONS = {
    "play_media": 'play_media("file=announcement") && $var(duration) == 2500', "stop_media": 'stop_media()', "play_dtmf": 'play_dtmf("code=5")',
    "start_recording": 'start_recording()', "stop_recording": 'stop_recording()',
    "start_forwarding": 'start_forwarding()', "stop_forwarding": 'stop_forwarding()',
    "block_media": 'block_media()', "unblock_media": 'unblock_media()',
    "block_dtmf": 'block_dtmf()', "unblock_dtmf": 'unblock_dtmf()',
    "query": 'rtpengine_query_v("j", "$var(report)")',
}
DO_FUNCTIONS = """if (is_method("INFO")) {
    $var(said) = "no such function";
    $var(report) = "";
""" + "".join(f"""    if ($hdr(X-Do) == "{name}") {{
      if ({call}) $var(said) = "done"; else $var(said) = "failed";
    }}
""" for name, call in FUNCTIONS.items()) + """    xlog("L_NOTICE", "REPORT $rtpestat $(var(report){s.substr,0,120})\\n");
    sl_send_reply("200", "$var(said)");
    exit;
  }"""
SHOW_MOS = """if (is_method("BYE"))
        xlog("L_NOTICE", "QUALITY average=$avp(mos_average) min=$avp(mos_min) max=$avp(mos_max) samples=$avp(mos_samples)\\n");"""


class Proxy(Closes):
    NAME = "Kamailio"

    def __init__(self, ng_port, flags="replace-origin replace-session-connection ICE=remove", uas_port=9, transport="udp", mos=False,
                 functions=False):
        """`functions`: INFO with the header X-Do calls the module's function of that name for its dialogue."""
        program = shutil.which("kamailio") or "/usr/sbin/kamailio"
        modules = "/usr/lib/x86_64-linux-gnu/kamailio/modules"
        for folder in ("/usr/lib/x86_64-linux-gnu/kamailio/modules", "/usr/lib/aarch64-linux-gnu/kamailio/modules"):
            if os.path.isdir(folder):
                modules = folder
        if not os.path.exists(f"{modules}/rtpengine.so"):
            raise Skipped("Kamailio's rtpengine module is not installed")
        self._start([program, "-DD", "-m", "64", "-M", "8"], lambda: CONFIG.format(
            port=self.port, modules=modules, flags=flags, uas_port=uas_port, first=DO_FUNCTIONS if functions else "",
            more=MOS if mos else 'loadmodule "xlog.so"\nmodparam("rtpengine", "media_duration", "$var(duration)")' if functions else "",
            after=SHOW_MOS if mos else "", socket=f"{transport}:127.0.0.1:{ng_port}"), ["-Y", "{folder}"])

    def _start(self, command, config, more=()):
        self.folder = tempfile.mkdtemp(prefix="tandem-proxy-")
        self.port = free_port(5700 + os.getpid() % 100 * 2)
        with open(f"{self.folder}/proxy.cfg", "w") as out:
            out.write(config())
        self.log = open(f"{self.folder}/log", "wb")
        self.process = subprocess.Popen([*command, "-f", f"{self.folder}/proxy.cfg", "-w", self.folder,
                                         *(word.format(folder=self.folder) for word in more)], stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True)
        self._wait_up()

    def _wait_up(self, seconds=10):
        begun = time.monotonic()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            probe.settimeout(0.2)
            here = probe.getsockname()[1]
            while time.monotonic() - begun < seconds:
                probe.sendto((f"INVITE sip:nobody@127.0.0.1:{self.port} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{here};branch=z9hG4bK{here}\r\n"
                              f"From: <sip:probe@127.0.0.1>;tag=1\r\nTo: <sip:nobody@127.0.0.1>\r\nCall-ID: {here}\r\nCSeq: 1 INVITE\r\n"
                              "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n").encode(), ("127.0.0.1", self.port))
                try:
                    if b" 404 " in probe.recv(4096):
                        return
                except OSError:
                    pass
                if self.process.poll() is not None:
                    raise AssertionError(f"{self.NAME} ended with {self.process.returncode}:\n{self.tail()}")
        raise AssertionError(f"{self.NAME} did not answer:\n{self.tail()}")

    def tail(self, lines=15):
        with open(f"{self.folder}/log", errors="replace") as file:
            return "".join(line[:300] for line in file.readlines()[-lines:])

    def errors(self):
        """What its rtpengine module complained of."""
        with open(f"{self.folder}/log", errors="replace") as file:
            return [line[:300] for line in file if "rtpengine" in line and ("ERROR" in line or "WARNING" in line)]

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
