"""Phone to phone with the media anchored: audio both ways, hold, and every way not to be answered."""
import os
import time

import audio
from system import free_port
from suite import check_like, check_unlike, heard_by, test


def connect(e2e, seconds=6.0, **options):
    """1001 calls 1002, who answers: ((phone, what it says), the same of the other)."""
    said_a, file_a = e2e.voice(1, seconds)
    said_b, file_b = e2e.voice(2, seconds)
    b = e2e.phone("1002", say=file_b)
    a = e2e.phone("1001", say=file_a, **options)
    a.dial("1002")
    b.wait("CALL_INCOMING")
    b.pause(0.3)
    b.answer()
    a.wait("CALL_ESTABLISHED")
    b.wait("CALL_ESTABLISHED")
    return (a, said_a), (b, said_b)


@test(deadline=40)
def two_phones_hear_each_other_and_nobody_else(e2e):
    with e2e.events() as events:
        (a, said_a), (b, said_b) = connect(e2e)
        a.pause(5)
        call = e2e.api.call("call.list")["calls"]
        assert len(call) == 1 and len(call[0]["legs"]) == 2, call
        shown = e2e.api.call("call.show", call=call[0]["call"])
        for leg in shown["legs"]:
            media = leg["media"]
            assert media["received"]["codec"] == "PCMU" and media["received"]["packets"] > 100, media
            assert media["sent"]["packets"] > 100 and media["received"]["lost"] <= 5, media
            assert media["received"]["mos"] > 4.0, media
        a.hangup()
        b.wait("CALL_CLOSED")
        events.wait("call.ended", call=call[0]["call"])
    at_a, at_b = heard_by(a), heard_by(b)
    check_like(said_a, at_b, what="what the callee heard", end=4.5)
    check_like(said_b, at_a, what="what the caller heard", end=4.5)
    check_unlike(said_a, at_a, what="what the caller heard of itself", end=4.5)
    check_unlike(said_b, at_b, what="what the callee heard of itself", end=4.5)


@test(deadline=30)
def the_callee_hangs_up_and_the_caller_is_told(e2e):
    (a, _), (b, _) = connect(e2e)
    a.pause(1)
    b.hangup()
    a.wait("CALL_CLOSED", 5)


@test(deadline=50)
def a_held_phone_hears_music_and_the_voice_again_after(e2e):
    (a, said_a), (b, said_b) = connect(e2e, seconds=14)
    with e2e.events() as events:
        a.pause(2.5)
        b.command("hold")
        events.wait("leg.held", 5)
        a.pause(2.5)
        b.command("resume")
        events.wait("leg.resumed", 5)
        a.pause(2.5)
        a.hangup()
        b.wait("CALL_CLOSED")
    at_a, at_b = heard_by(a), heard_by(b)
    length = audio.seconds_of(at_a)
    middle, end = at_a[int((length / 2 - 0.8) * 8000):int((length / 2 + 0.8) * 8000)], at_a[-int(1.6 * 8000):]
    check_like(middle, audio.speechlike(101, 20, level=3000), windows=3, what="what was heard while held")
    check_like(end, said_b, windows=3, what="what was heard after the hold")
    check_like(at_b[-int(1.6 * 8000):], said_a, windows=3, what="what the holder heard after the hold")


@test(deadline=30)
def the_caller_gives_up_and_the_callee_stops_ringing(e2e):
    b = e2e.phone("1002")
    a = e2e.phone("1001")
    with e2e.events() as events:
        a.dial("71002")
        b.wait("CALL_INCOMING")
        a.pause(0.5)
        a.hangup()
        b.wait("CALL_CLOSED", 5)
        ended = events.wait("call.ended", 5)
        assert ended["duration_ms"] < 5000, ended


@test(deadline=30)
def a_busy_callee_is_told_to_the_caller_as_486(e2e):
    b = e2e.phone("1002")
    call = e2e.sipp("refused", user="1001", service="71002", expect="486")
    b.wait("CALL_INCOMING")
    b.hangup()
    call.wait()


@test(deadline=30)
def a_contact_that_is_gone_does_not_keep_busy_from_the_caller(e2e):
    """1002 has two phones in the registrar: one was unplugged and answers nothing, the other one is busy."""
    gone = e2e.sipp("register", user="1002").wait()
    b = e2e.phone("1002")
    began = time.monotonic()
    call = e2e.sipp("refused", user="1001", service="71002", expect="486")
    b.wait("CALL_INCOMING")
    b.hangup()
    call.wait()
    took = time.monotonic() - began
    e2e.sipp("register", user="1002", port=gone.port, expires=0).wait()
    assert took < 7, f"expected 486 soon after the busy phone said so, it took {took:.1f} s"


@test(deadline=30)
def an_absent_callee_is_told_to_the_caller_as_480(e2e):
    e2e.sipp("refused", user="1001", service="71003", expect="480").wait()


@test(deadline=30)
def an_unanswered_callee_stops_ringing_and_the_caller_is_told_480(e2e):
    b = e2e.phone("1002")
    call = e2e.sipp("refused", user="1001", service="71002", expect="480")
    b.wait("CALL_INCOMING")
    b.wait("CALL_CLOSED", 8)
    call.wait()


@test(deadline=30)
def a_number_that_nobody_has_is_told_to_the_caller_as_404(e2e):
    e2e.sipp("refused", user="1001", service="88888", expect="404").wait()


@test(deadline=30)
def a_phone_with_two_contacts_rings_on_both_and_the_first_answer_wins(e2e):
    one, two = e2e.phone("1002"), e2e.phone("1002")
    a = e2e.phone("1001")
    a.dial("71002")
    one.wait("CALL_INCOMING")
    two.wait("CALL_INCOMING")
    two.answer()
    a.wait("CALL_ESTABLISHED")
    one.wait("CALL_CLOSED", 5)
    a.pause(0.5)
    a.hangup()
    two.wait("CALL_CLOSED", 5)


@test(deadline=40)
def sipp_is_called_and_answers(e2e):
    port = free_port(15400 + os.getpid() % 100 * 4)
    e2e.sipp("register", user="1003", port=port).wait()
    answerer = e2e.sipp("answer", user="1003", port=port)
    caller = e2e.phone("1001")
    caller.dial("71003")
    caller.wait("CALL_ESTABLISHED")
    caller.pause(1)
    caller.hangup()
    answerer.wait()
    e2e.sipp("register", user="1003", port=port, expires=0).wait()


@test(deadline=30)
def the_echo_says_back_what_is_said(e2e):
    said, file = e2e.voice(5, 4, before=2.5)
    phone = e2e.phone("1001", say=file)
    phone.dial("*43")
    phone.wait("CALL_ESTABLISHED")
    phone.pause(1)
    phone.keys("1")  # skips the announcement
    phone.pause(6)
    phone.hangup()
    phone.wait("CALL_CLOSED")
    check_like(said, heard_by(phone), windows=4, begin=1.0, what="what the echo said back")


@test(deadline=30)
def a_phone_that_speaks_only_a_law_talks_with_one_that_speaks_only_mu_law(e2e):
    said_a, file_a = e2e.voice(1, 4)
    said_b, file_b = e2e.voice(2, 4)
    b = e2e.phone("1002", say=file_b, codec="PCMA/8000/1", answer="auto")
    a = e2e.phone("1001", say=file_a, codec="PCMU/8000/1")
    a.dial("1002")
    a.wait("CALL_ESTABLISHED")
    b.wait("CALL_ESTABLISHED")
    a.pause(4.5)
    a.hangup()
    b.wait("CALL_CLOSED")
    check_like(said_a, heard_by(b), windows=4, end=3.5)
    check_like(said_b, heard_by(a), windows=4, end=3.5)


@test(deadline=30)
def keys_pressed_in_a_conversation_reach_the_other_phone_once(e2e):
    (a, _), (b, _) = connect(e2e)
    a.pause(0.5)
    a.keys("15#*")
    b.keys("80")
    a.pause(0.7)
    b.poll()
    a.hangup()
    b.wait("CALL_CLOSED")
    for phone, pressed in ((b, "15#*"), (a, "80")):
        got = "".join(str(e.get("param")) for e in phone.events if e["type"] == "CALL_DTMF_START")
        assert got == pressed, f"phone {phone.user}: the other pressed {pressed}, it got {got}"
