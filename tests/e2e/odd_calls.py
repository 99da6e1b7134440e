"""Calls as few phones make them, by sipp: delayed offers, re-INVITEs, broken SDP, session timers, odd keys."""
import os
import random
import socket
import struct

from sipp import body, expect, pause, pcap, sdp
from suite import check_like, heard_by, test

REINVITE = """
  <send retrans="500"><![CDATA[
INVITE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:1001@[remote_ip]:[remote_port]>;tag=[pid]a[call_number]
[last_To:]
[routes]
Call-ID: [call_id]
CSeq: {cseq} INVITE
Contact: <sip:1001@[local_ip]:[local_port]>
Max-Forwards: 70
{body}]]></send>
  <recv response="100" optional="true"/>
  <recv response="{code}">{action}</recv>
  <send><![CDATA[
ACK [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch{offset}]
From: <sip:1001@[remote_ip]:[remote_port]>;tag=[pid]a[call_number]
[last_To:]
[routes]
Call-ID: [call_id]
CSeq: {cseq} ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
"""


def reinvite(cseq, text, code=200, action=""):
    return REINVITE.format(cseq=cseq, body=body(text), code=code, action=action, offset="" if code < 300 else "-3")


@test(deadline=30)
def a_delayed_offer_is_answered_with_an_offer_and_its_answer_comes_in_the_ack(e2e):
    with e2e.events() as events:
        e2e.sipp("call", service="7001", offer=body(""), ack_body=body(sdp()),
                 on_answer=expect("m=audio [0-9]+ RTP/AVP"), talk=pcap("5") + pause(800)).wait()
        events.wait("leg.digit", 3, digit="5")


@test(deadline=30)
def the_three_end_packets_of_a_key_are_one_key(e2e):
    with e2e.events() as events:
        keys = "1359"  # ascending, as they were captured: one stream whose clock goes on
        talk = pause(200) + "".join(pcap(key) + pause(400) for key in keys)
        e2e.sipp("call", service="7003", talk=talk).wait()
        pressed = [event["digit"] for event in events.all("leg.digit", 0.5)]
        assert pressed == list(keys), f"pressed {keys}, counted {pressed}"


@test(deadline=30)
def a_star_and_a_pound_are_keys_too(e2e):
    with e2e.events() as events:
        e2e.sipp("call", service="7003", talk=pause(200) + pcap("star") + pause(400) + pcap("pound") + pause(400)).wait()
        pressed = [event["digit"] for event in events.all("leg.digit", 0.5)]
        assert pressed == ["*", "#"], pressed


@test(deadline=30)
def a_re_invite_holds_moves_and_resumes(e2e):
    with e2e.events() as events:
        talk = (pause(300) + reinvite(3, sdp("sendonly", 1), action=expect("a=recvonly")) + pause(300)
                + reinvite(4, sdp("inactive", 2), action=expect("a=inactive", variable="idle")) + pause(300)
                + reinvite(5, sdp("sendrecv", 3), action=expect("m=audio [1-9]", variable="again")) + pause(300) + pcap("7")
                + pause(500))
        e2e.sipp("call", service="7003", talk=talk).wait()
        events.wait("leg.held", 3)
        events.wait("leg.resumed", 3)
        events.wait("leg.digit", 3, digit="7")


@test(deadline=30)
def a_re_invite_without_sdp_gets_an_offer(e2e):
    head, _, tail = reinvite(3, "", action=expect("m=audio [1-9]")).rpartition(body(""))
    answer_in_ack = head + body(sdp("sendrecv", 1)) + tail
    e2e.sipp("call", service="7003", talk=pause(300) + answer_in_ack + pause(300)).wait()


@test(deadline=30)
def a_broken_re_invite_is_refused_and_the_call_goes_on(e2e):
    with e2e.events() as events:
        talk = (pause(300) + reinvite(3, "v=0\no=- 1 1 IN IP4\nm=audio\n", code=400) + pause(200) + pcap("3")
                + pause(500))
        e2e.sipp("call", service="7003", talk=talk).wait()
        events.wait("leg.digit", 3, digit="3")


@test(deadline=60)
def a_broken_sdp_is_refused_with_a_code_that_says_why(e2e):
    audio_only = "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\n"
    rows = [
        ("no codec in common", audio_only + "m=audio 4000 RTP/AVP 18\na=rtpmap:18 G729/8000\n", "488"),
        ("no media", audio_only, "488"),
        ("an address that is none", audio_only.replace("c=IN IP4 127.0.0.1", "c=IN IP4 999.1.2.3")
         + "m=audio 4000 RTP/AVP 0\n", "488"),
        ("a port that is none", audio_only + "m=audio 99999 RTP/AVP 0\n", "400"),
        ("no version", audio_only[4:] + "m=audio 4000 RTP/AVP 0\n", "400"),
        ("no SDP at all", "hello, this is not SDP\n", "400"),
        ("cut off", "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP", "400"),
        ("1,000 lines", audio_only + "m=audio 4000 RTP/AVP 0\n" + "a=x:y\n" * 1000, "413"),
    ]
    wrong = []
    for name, text, code in rows:
        try:
            e2e.sipp("refused", service="7001", offer=body(text), expect=code, seconds=5).wait()
        except AssertionError as error:
            wrong.append(f"{name}: expected {code}; {str(error).strip()[-400:]}")
    assert not wrong, "\n".join(wrong)


@test(deadline=30)
def a_session_timer_is_agreed_and_one_too_short_is_refused(e2e):
    e2e.sipp("call", service="7003", headers="Supported: timer\nSession-Expires: 600;refresher=uac",
             on_answer=expect("600;refresher=uac", header="Session-Expires:")).wait()
    e2e.sipp("refused", service="7003", headers="Supported: timer\nSession-Expires: 30", expect="422",
             on_answer=expect("[0-9]+", header="Min-SE:")).wait()


@test(deadline=30)
def a_cancelled_call_is_answered_200_and_487(e2e):
    e2e.phone("1002")
    e2e.sipp("cancel", service="71002", user="1001").wait()


@test(deadline=30)
def options_is_answered_and_says_what_is_allowed(e2e):
    e2e.sipp("options", on_answer=expect("INVITE", header="Allow:")).wait()


@test(deadline=40)
def a_stranger_cannot_speak_into_a_call(e2e):
    """Packets from another source than the phone's are dropped: what is heard stays what was said."""
    said, file = e2e.voice(41, 5)
    b = e2e.phone("1002", answer="auto")
    a = e2e.phone("1001", say=file)
    a.dial("1002")
    a.wait("CALL_ESTABLISHED")
    b.wait("CALL_ESTABLISHED")
    a.pause(0.5)
    rng = random.Random(4)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        ports = [p for p in range(e2e.system.port_min, e2e.system.port_min + 2000, 2) if is_open(p)]
        assert ports, "no media port is open"
        for step in range(150):
            for port in ports:
                for _ in range(4):
                    head = struct.pack("!BBHII", 0x80, 0, rng.getrandbits(16), rng.getrandbits(32), rng.getrandbits(32))
                    stranger.sendto(head + os.urandom(160), ("127.0.0.1", port))
                stranger.sendto(os.urandom(rng.randint(1, 400)), ("127.0.0.1", port))
            a.pause(0.02)
    a.pause(1)
    a.hangup()
    b.wait("CALL_CLOSED")
    check_like(said, heard_by(b), windows=5, what="what was heard beside the stranger")


def is_open(port):
    """Whether somebody has bound this UDP port."""
    with open("/proc/net/udp") as table:
        return f":{port:04X} " in "".join(line.split()[1] + " " for line in table.readlines()[1:])
