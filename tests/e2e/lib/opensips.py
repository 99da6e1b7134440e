"""An operator's own OpenSIPS that drives rtpengine, as its module's documentation shows it: the same calls as Proxy's
Kamailio. OpenSIPS is not in Debian 12: one that is installed is taken, or one built in the folder $OPENSIPS names
(`make opensips modules`); without any the tests are skipped.
"""
import glob
import os
import shutil

from proxy import Proxy
from system import Skipped

CONFIG = """log_level=2
stderror_enabled=yes
syslog_enabled=no
udp_workers=2
socket=udp:127.0.0.1:{port}
{modules}
modparam("rr", "enable_double_rr", 0)
modparam("usrloc", "working_mode_preset", "single-instance-no-db")
modparam("rtpengine", "rtpengine_sock", "udp:127.0.0.1:{ng_port}")

route {{
  if (!mf_process_maxfwd_header(10)) {{ sl_send_reply(483, "Too Many Hops"); exit; }}
  if (has_totag()) {{
    if (loose_route()) {{
      {within}
      {managed}
      if (!t_relay()) sl_reply_error();
    }} else if (is_method("ACK") && t_check_trans()) t_relay();
    exit;
  }}
  if (is_method("CANCEL")) {{
    {cancelled}
    if (t_check_trans()) t_relay();
    exit;
  }}
  t_check_trans();
  if (is_method("REGISTER")) {{
    save("location");
    exit;
  }}
  if (is_method("INVITE|SUBSCRIBE")) record_route();
  if (!lookup("location")) {{
    sl_send_reply(404, "Not Found");
    exit;
  }}
  {engage}
  if (!t_relay()) sl_reply_error();
}}

onreply_route[MEDIA] {{
  if ($rs =~ "(18[03])|(2[0-9][0-9])") {{
    rtpengine_manage("{flags}");
    {answered}
  }}
}}

failure_route[FAILED] {{
  rtpengine_manage();
}}
"""
# By hand, request by request, as rtpengine's module documents it; and by the module rtp_relay, which does that itself.
MANAGED = """if (is_method("INVITE|BYE")) rtpengine_manage("{flags}");
      if (is_method("INVITE")) t_on_reply("MEDIA");"""
ENGAGE = """if (is_method("INVITE")) {{
    rtpengine_manage("{flags}");
    t_on_reply("MEDIA");
    t_on_failure("FAILED");
  }}"""
RELAY = """if (is_method("INVITE")) {{
    create_dialog("B");
    $rtp_relay = "{flags}";
    $rtp_relay_peer = "{flags}";
    rtp_relay_engage("rtpengine");
  }}"""
NOTIFIED = """
modparam("rtpengine", "notification_sock", "127.0.0.1:{port}")
event_route[E_RTPENGINE_NOTIFICATION] {{
  xlog("L_ERR", "KEY $param(event) of $param(source_tag) in $param(callid)\\n");
}}"""
MODULES = ("proto_udp", "tm", "sl", "rr", "maxfwd", "sipmsgops", "signaling", "usrloc", "registrar", "rtpengine")


def find():
    """The program and a function from a module's name to its file."""
    built = os.environ.get("OPENSIPS")
    program = f"{built}/opensips" if built else shutil.which("opensips") or "/usr/sbin/opensips"
    if not os.access(program, os.X_OK):
        raise Skipped("OpenSIPS is not installed (nor built in the folder that $OPENSIPS names)")
    folders = [f"{built}/modules/*"] if built else ["/usr/lib/*/opensips/modules", "/usr/lib/opensips/modules"]
    files = {os.path.basename(path)[:-3]: path for folder in folders for path in glob.glob(f"{folder}/*.so")}
    if "rtpengine" not in files:
        raise Skipped("OpenSIPS has no rtpengine module here")
    return program, files


class OpenSips(Proxy):
    NAME = "OpenSIPS"

    def __init__(self, ng_port, flags="replace-origin replace-session-connection ICE=remove", within="", answered="", relay=False, keys_at=0, **_):
        program, files = find()
        wanted = [*MODULES, *(("dialog", "rtp_relay") if relay else ())]
        modules = "\n".join(f'loadmodule "{files.get(name, name + ".so")}"' for name in wanted)  # UDP's is within
        self._start([program, "-F", "-m", "64", "-M", "8"], lambda: CONFIG.format(
            port=self.port, ng_port=ng_port, modules=modules + (NOTIFIED.format(port=keys_at) if keys_at else ""), flags=flags, within=within, answered=answered,
            managed="" if relay else MANAGED.format(flags=flags), cancelled="" if relay else "rtpengine_delete();",
            engage=(RELAY if relay else ENGAGE).format(flags=flags)))
