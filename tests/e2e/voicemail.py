"""Voicemail: a message is left (busy, absent, unanswered), the lamp goes on, *97 plays it, keeps and deletes it."""
import os

import audio
from suite import check_like, check_unlike, heard_by, prompt, test


def clear(e2e):
    """Every mailbox of the demo empty."""
    for mailbox in ("1001", "1002", "1003"):
        for folder in ("INBOX", "Old"):
            for message in e2e.api.call("message.list", tenant="demo", mailbox=mailbox, folder=folder)["messages"]:
                e2e.api.call("message.delete", tenant="demo", id=message["id"])


def leave(e2e, events, phone, seconds):
    """From the answer on: skips the greeting and says something; the recording's path."""
    phone.wait("CALL_ESTABLISHED", 12)
    phone.pause(0.6)
    phone.keys("#")
    started = events.wait("recording.started", 8)
    phone.pause(seconds)
    phone.hangup()
    phone.wait("CALL_CLOSED")
    return started["path"]


@test(deadline=75)
def a_message_for_an_absent_phone_is_left_listened_to_kept_and_deleted(e2e):
    clear(e2e)
    events = e2e.events()
    said, file = e2e.voice(71, 14)
    caller = e2e.phone("1001", say=file)
    caller.dial("1002")
    path = leave(e2e, events, caller, 3)
    changed = events.wait("mailbox.changed", 5, mailbox="1002")
    assert (changed["new"], changed["old"]) == (1, 0), changed
    path = path if os.path.isabs(path) else f"{e2e.system.state}/recordings/{path}"
    recorded = audio.read_wav(path)
    assert 2.5 <= audio.seconds_of(recorded) <= 4.5, f"the message is {audio.seconds_of(recorded):.1f} s long"
    check_like(recorded, said, windows=4, begin=0.2, what="the message")

    lamp = e2e.lamp("1002")
    lamp.wait("1/0")
    owner = e2e.phone("1002")
    owner.dial("*97")
    owner.wait("CALL_ESTABLISHED")
    owner.pause(1.5)
    owner.keys(e2e.system.accounts()["1002"]["pin"] + "#")
    owner.pause(1.5)
    owner.keys("1")
    played = events.wait("play.finished", 25, reason="done")  # the envelope and the message, not barged into
    owner.pause(0.3)
    owner.keys("9")
    changed = events.wait("mailbox.changed", 8, mailbox="1002")
    assert (changed["new"], changed["old"]) == (0, 1), (changed, played)
    lamp.wait("0/1")
    owner.keys("2")
    owner.pause(0.7)
    owner.keys("1")
    owner.pause(2)
    owner.keys("7")
    owner.pause(0.7)
    owner.hangup()
    owner.wait("CALL_CLOSED")
    changed = events.wait("mailbox.changed", 5, mailbox="1002")
    assert (changed["new"], changed["old"]) == (0, 0), changed
    lamp.wait("0/0")
    heard = heard_by(owner)
    check_like(prompt("vm-password"), heard[:32000], windows=2, what="the question for the PIN")
    check_like(recorded, heard, windows=4, begin=0.2, what="the message played back")


@test(deadline=40)
def a_busy_phone_s_caller_leaves_a_message(e2e):
    clear(e2e)
    events = e2e.events()
    said, file = e2e.voice(72, 14)
    lamp = e2e.lamp("1002")
    lamp.wait("0/0")
    callee = e2e.phone("1002")
    caller = e2e.phone("1001", say=file)
    caller.dial("1002")
    callee.wait("CALL_INCOMING")
    callee.hangup()
    caller.wait("CALL_ESTABLISHED", 12)
    caller.pause(7.3)
    caller.keys("#")
    events.wait("recording.started", 8)
    caller.pause(2.5)
    caller.keys("#")
    events.wait("mailbox.changed", 8, mailbox="1002", new=1)
    lamp.wait("1/0")
    caller.pause(3)
    caller.hangup()
    caller.wait("CALL_CLOSED")
    heard = heard_by(caller)
    check_like(prompt("vm-isonphone"), heard, windows=2, what="the busy greeting")
    check_like(prompt("vm-msgsaved"), heard, windows=2, what="the confirmation")


@test(deadline=40)
def an_unanswered_phone_s_caller_leaves_a_message(e2e):
    clear(e2e)
    events = e2e.events()
    _, file = e2e.voice(73, 14)
    callee = e2e.phone("1002")
    caller = e2e.phone("1001", say=file)
    caller.dial("1002")
    callee.wait("CALL_INCOMING")
    callee.wait("CALL_CLOSED", 10)
    leave(e2e, events, caller, 2)
    events.wait("mailbox.changed", 5, mailbox="1002", new=1)


@test(deadline=40)
def a_wrong_pin_opens_nothing(e2e):
    pin = e2e.system.accounts()["1002"]["pin"]
    owner = e2e.phone("1002")
    owner.dial("*97")
    owner.wait("CALL_ESTABLISHED")
    owner.pause(1)
    owner.keys("".join(str((int(digit) + 1) % 10) for digit in pin) + "#")
    owner.pause(3)
    owner.keys(pin + "#")
    owner.pause(3)
    owner.hangup()
    owner.wait("CALL_CLOSED")
    heard = heard_by(owner)
    half = len(heard) * 6 // 10
    check_like(prompt("vm-incorrect"), heard, windows=2, what="the answer to the wrong PIN")
    check_like(prompt("vm-youhave"), heard, windows=2, what="the mailbox after the right PIN")
    check_unlike(prompt("vm-youhave"), heard[:half], most=0.85, what="the mailbox after the wrong PIN")
