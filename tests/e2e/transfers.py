"""Blind transfer by a phone (REFER) and by the API."""
import audio
from suite import check_like, heard_by, test


def three(e2e, seconds=12.0):
    """1001 talks with 1002; 1003 waits, and answers by itself."""
    voices = {user: e2e.voice(seed, seconds) for seed, user in enumerate(("1001", "1002", "1003"), 21)}
    c = e2e.phone("1003", say=voices["1003"][1], answer="auto")
    b = e2e.phone("1002", say=voices["1002"][1], answer="auto")
    a = e2e.phone("1001", say=voices["1001"][1])
    a.dial("1002")
    a.wait("CALL_ESTABLISHED")
    b.wait("CALL_ESTABLISHED")
    return a, b, c, {user: samples for user, (samples, _) in voices.items()}


@test(deadline=50)
def a_blind_transfer_connects_the_caller_with_the_third_phone(e2e):
    with e2e.events() as events:
        a, b, c, said = three(e2e)
        a.pause(1.5)
        b.command("transfer", f"sip:1003@{b.proxy}")
        c.wait("CALL_ESTABLISHED")
        b.wait("CALL_CLOSED")
        events.wait("transfer.requested", 5)
        a.pause(3.5)
        a.hangup()
        c.wait("CALL_CLOSED")
    at_a, at_c = heard_by(a), heard_by(c)
    check_like(at_c[-16000:], said["1001"], windows=3, what="what the third phone heard")
    check_like(at_a[-16000:], said["1003"], windows=3, what="what the caller heard from the third phone")


@test(deadline=50)
def a_blind_transfer_by_the_caller_moves_the_callee(e2e):
    with e2e.events() as events:
        a, b, c, said = three(e2e)
        a.pause(1.5)
        a.command("transfer", f"sip:1003@{a.proxy}")
        c.wait("CALL_ESTABLISHED")
        a.wait("CALL_CLOSED")
        events.wait("transfer.done", 5)
        b.pause(3)
        b.hangup()
        c.wait("CALL_CLOSED")
    check_like(heard_by(c)[-14000:], said["1002"], windows=3, what="what the third phone heard")
    check_like(heard_by(b)[-14000:], said["1003"], windows=3, what="what the callee heard from the third phone")


@test(deadline=40)
def a_transfer_to_the_menu_plays_the_menu_to_the_one_who_stays(e2e):
    a, b, c, _ = three(e2e)
    a.pause(1)
    b.command("transfer", f"sip:7001@{b.proxy}")
    b.wait("CALL_CLOSED")
    a.pause(3)
    a.hangup()
    a.wait("CALL_CLOSED")
    check_like(heard_by(a)[-14000:], audio.speechlike(100, 20), windows=3, what="what the caller heard")
