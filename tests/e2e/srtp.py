"""SRTP with SDES: baresip's own implementation on the other side, on one leg or on both, and what is refused."""
import audio
from suite import check_like, heard_by, test


def talk(e2e, a, b, said_a, said_b, suites):
    """1001 calls 1002 and both talk; `suites`: what each leg's media says, caller first."""
    a.dial("1002")
    b.wait("CALL_INCOMING")
    b.pause(0.3)
    b.answer()
    a.wait("CALL_ESTABLISHED")
    b.wait("CALL_ESTABLISHED")
    a.pause(5)
    api = a_system(e2e, a).api
    call = api.call("call.list")["calls"][0]
    media = {leg["direction"]: leg["media"] for leg in api.call("call.show", call=call["call"])["legs"]}
    for direction, suite in zip(("inbound", "outbound"), suites):
        seen = media[direction]
        assert seen["srtp"] == suite, (direction, seen)
        # baresip opens NATs with an RTCP APP packet, in the clear where its SRTP has not begun: refused, rightly.
        assert seen["srtp_forged"] <= 2 and seen["srtp_replayed"] == 0, (direction, seen)
        assert seen["received"]["packets"] > 150 and seen["sent"]["packets"] > 150, (direction, seen)
        assert seen["mode"] == "relay", (direction, seen)
    a.hangup()
    b.wait("CALL_CLOSED")
    check_like(said_a, heard_by(b), what="what the callee heard", end=4.0)
    check_like(said_b, heard_by(a), what="what the caller heard", end=4.0)
    tells_no_key(a_system(e2e, a))


def a_system(e2e, phone):
    """The system that this phone talks to."""
    return next(system for system in (e2e.system, *e2e.own) if phone in system.phones)


def tells_no_key(system):
    for path in (system.log, f"{system.state}/kamailio/kamailio.log"):
        with open(path, errors="replace") as log:
            text = log.read()
        assert "inline:" not in text and "a=crypto" not in text, f"{path} shows a key"


def pair(e2e, system, caller, callee):
    said_a, file_a = e2e.voice(1, 6.0)
    said_b, file_b = e2e.voice(2, 6.0)
    b = system.phone("1002", say=file_b, srtp=callee)
    a = system.phone("1001", say=file_a, srtp=caller)
    return a, b, said_a, said_b


@test(deadline=60)
def a_phone_with_srtp_talks_to_one_without(e2e):
    talk(e2e, *pair(e2e, e2e.system, "srtp-mand", None), suites=("AES_CM_128_HMAC_SHA1_80", ""))


@test(deadline=60)
def a_phone_that_offers_srtp_in_plain_rtp_gets_it(e2e):
    talk(e2e, *pair(e2e, e2e.system, "srtp", None), suites=("AES_CM_128_HMAC_SHA1_80", ""))


@test(deadline=90)
def where_srtp_is_required_both_legs_have_it_and_plain_phones_are_refused(e2e):
    system = e2e.fresh(media='srtp = "required"')
    talk(e2e, *pair(e2e, system, "srtp-mand", "srtp-mand"), suites=("AES_CM_128_HMAC_SHA1_80", "AEAD_AES_256_GCM"))
    system.hang_up_everything()
    plain = system.phone("1001")
    plain.dial("*43")
    closed = plain.wait("CALL_CLOSED", 10)
    assert "488" in str(closed), closed


@test(deadline=90)
def where_srtp_is_optional_a_plain_callee_is_called_all_the_same(e2e):
    system = e2e.fresh(media='srtp = "optional"')
    talk(e2e, *pair(e2e, system, "srtp-mand", None), suites=("AES_CM_128_HMAC_SHA1_80", ""))


@test(deadline=60)
def an_app_speaks_encrypted(e2e):
    said, file = e2e.voice(3, 6.0, before=0.5)
    phone = e2e.system.phone("1001", say=file, srtp="srtp-mand")
    phone.dial("5000")
    phone.wait("CALL_ESTABLISHED")
    phone.pause(5)
    phone.hangup()
    heard = heard_by(phone)
    assert audio.loud_seconds(heard) > 2, "the menu's greeting was not heard"
