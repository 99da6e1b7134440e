"""Phones come to the server: digest, refusals, UDP, TCP, IPv6."""
import audio
from api import WebSocket
from lamp import credentials
from phone import PhoneError
from suite import check_like, heard_by, test


def calls_the_speaker(e2e, phone, seconds=3.0):
    """What the phone hears when it dials the app that says "speech"."""
    phone.dial("7001")
    phone.wait("CALL_ESTABLISHED")
    phone.pause(seconds)
    phone.hangup()
    phone.wait("CALL_CLOSED")
    check_like(heard_by(phone), audio.speechlike(100, 20), windows=3, begin=0.7)


@test(deadline=20)
def baresip_registers_with_digest(e2e):
    with e2e.events() as events:
        e2e.phone("1001")
        event = events.wait("device.registered", user="1001")
        assert "127.0.0.1" in event["contact"], event


@test(deadline=20)
def sipp_registers_with_digest(e2e):
    with e2e.events() as events:
        run = e2e.sipp("register", user="1002").wait()
        events.wait("device.registered", user="1002")
        e2e.sipp("register", user="1002", port=run.port, expires=0).wait()
        events.wait("device.unregistered", user="1002")


@test(deadline=20)
def a_wrong_password_is_refused_and_counted(e2e):
    def refusals():
        return e2e.api.call("kamailio.status")["sip"]["digest_failures"]
    before = refusals()
    e2e.sipp("register", user="1002", password="not-the-password", expect="403").wait()
    e2e.sipp("refused", user="1002", password="not-the-password", expect="403").wait()
    try:
        e2e.phone("1001", password="not-the-password")
    except PhoneError as error:
        assert "403" in str(error), error
    else:
        raise AssertionError("baresip registered with a wrong password")
    assert refusals() >= before + 3, f"expected {before + 3} refusals counted, found {refusals()}"


@test(deadline=20)
def an_unknown_account_is_refused_like_a_wrong_password(e2e):
    e2e.sipp("register", user="4711", password="whatever", expect="403").wait()


@test(deadline=30)
def a_phone_over_tcp_registers_and_hears_the_prompt(e2e):
    calls_the_speaker(e2e, e2e.phone("1001", transport="tcp"))


@test(deadline=30)
def a_phone_over_websocket_registers_and_is_called_there(e2e):
    """RFC 7118, by hand: a browser's phone without the browser."""
    link = WebSocket(e2e.system.ws_port, "/", ["Sec-WebSocket-Protocol: sip"])
    e2e.closing.append(link)
    uri, password = f"sip:127.0.0.1:{e2e.system.sip_port}", e2e.system.accounts()["1003"]["password"]

    def register(cseq, proof=""):
        link.send((f"REGISTER {uri} SIP/2.0\r\nVia: SIP/2.0/WS browser.invalid;branch=z9hG4bKws{cseq}\r\n"
                   f"From: <sip:1003@127.0.0.1>;tag=ws\r\nTo: <sip:1003@127.0.0.1>\r\nCall-ID: websocket-{link.socket.fileno()}\r\n"
                   f"CSeq: {cseq} REGISTER\r\nContact: <sip:1003@browser.invalid;transport=ws>;expires=60\r\n"
                   f"Max-Forwards: 70\r\n{proof}Content-Length: 0\r\n\r\n").encode())
        return next(iter(link.receive(3)), b"nothing").decode()
    challenge = register(1)
    assert challenge.startswith("SIP/2.0 401"), challenge
    answer = register(2, credentials(challenge, "REGISTER", uri, "1003", password))
    assert answer.startswith("SIP/2.0 200"), answer
    caller = e2e.sipp("refused", user="1001", service="71003", expect="486")
    invite = next(iter(link.receive(5)), b"nothing").decode()
    assert invite.startswith("INVITE sip:1003@"), invite[:300]
    kept = [line for line in invite.split("\r\n\r\n")[0].split("\r\n")[1:]
            if line.split(":")[0].lower() in ("via", "from", "call-id", "cseq", "record-route")]
    to = next(line for line in invite.split("\r\n") if line.lower().startswith("to:"))
    link.send(("SIP/2.0 486 Busy Here\r\n" + "\r\n".join(kept) + f"\r\n{to};tag=browser\r\nContent-Length: 0\r\n\r\n").encode())
    caller.wait()
    ack = next(iter(link.receive(3)), b"nothing").decode()
    assert ack.startswith("ACK "), ack[:300]


@test(deadline=30)
def a_phone_over_ipv6_registers_and_hears_the_prompt(e2e):
    phone = e2e.phone("1001", host="[::1]")
    with e2e.events() as events:
        calls_the_speaker(e2e, phone)
        leg = events.wait("leg.created")["leg"]
        assert leg


@test(deadline=30)
def a_phone_over_ipv6_talks_with_one_over_ipv4(e2e):
    said_six, file_six = e2e.voice(11, 3)
    said_four, file_four = e2e.voice(12, 3)
    four = e2e.phone("1002", say=file_four, answer="auto")
    six = e2e.phone("1001", host="[::1]", say=file_six)
    six.dial("1002")
    six.wait("CALL_ESTABLISHED")
    six.pause(4.5)
    six.hangup()
    six.wait("CALL_CLOSED")
    four.wait("CALL_CLOSED")
    check_like(said_four, heard_by(six), windows=4, what="what the IPv6 phone heard")
    check_like(said_six, heard_by(four), windows=4, what="what the IPv4 phone heard")
