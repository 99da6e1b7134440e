"""Phones come to the server: digest, refusals, UDP, TCP, IPv6."""
import audio
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
