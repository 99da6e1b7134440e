"""What ends by time or for want of room: session timers that nobody refreshes, a disk that is full."""
import os
import re
import time

import audio

from rtp import RtpSender
from sipp import body, expect, pause, sdp
from suite import check_like, test
from system import free_port


@test(deadline=100)
def a_session_that_nobody_refreshes_ends_and_its_cause_is_recorded(e2e):
    """Three sides at once, each a minute long: a caller and a callee who promised to refresh and do not, and a callee
    who does not answer our refresh (RFC 4028 §10)."""
    system = e2e.fresh(kamailio="session_expires = 90", media="inactivity_timeout_s = 0")  # sipp sends no media
    events = system.api.events()
    e2e.closing.append(events)
    why = {"on_bye": expect("Q.850;cause=102", header="Reason:")}
    caller = e2e.sipp("hung_up_on", system=system, service="7003", seconds=80,
                      headers="Supported: timer\nSession-Expires: 90;refresher=uac",
                      on_answer=expect("90;refresher=uac", header="Session-Expires:"), **why)
    legs = {"the caller": events.wait("leg.answered", 5)["leg"]}
    callees = {}
    for name, headers, talk in (("the callee", "Require: timer\nSession-Expires: 90;refresher=uas\n", ""),
                                ("the silent callee", "", '<recv request="INVITE"/>')):
        port = free_port(16800 + len(callees) * 50 + os.getpid() % 40)
        callees[name] = e2e.sipp("answer", system=system, user="1003", port=port, seconds=80, offer=headers + body(sdp()), talk=talk)
        call = system.api.call("call.originate", to=f"sip:1003@127.0.0.1:{port}", app="quiet")
        legs[name] = events.wait("leg.answered", 5, call=call["call"])["leg"]
    begun = {event["leg"]: event["time"] for event in events.all("leg.answered")}
    ended = {}
    for _ in legs:
        event = events.wait("leg.ended", 70)
        ended[event["leg"]] = event
    for run in (caller, *callees.values()):
        run.wait()
    for name, leg in legs.items():
        assert leg in ended, f"{name}'s leg has not ended: {ended}"
        event = ended[leg]
        assert event["by"] == "timer" and event["q850"] == 102 and event["code"] == 408, f"{name}: {event}"
        lasted = (stamp(event["time"]) - stamp(begun[leg]))
        least, most = (45, 56) if name == "the silent callee" else (58, 64)  # half time and 6 s; 90 - 30
        assert least <= lasted <= most, f"{name}: expected the end after {least} to {most} s, found {lasted:.1f}"
    rows, until = {}, time.monotonic() + 5  # a record is written after the event, off the control loop
    while not set(legs.values()) <= set(rows) and time.monotonic() < until:
        rows = {row["uniqueid"]: row for row in system.api.call("cdr.list", tenant="demo")["cdrs"]}
        time.sleep(0.05)
    for name, leg in legs.items():
        row = rows[leg]
        assert row["q850"] == 102 and row["disposition"] == "ANSWERED" and row["billsec"] >= 44, f"{name}: {row}"


def stamp(text):
    """The seconds of the day of an ISO 8601 stamp; no test here runs over midnight's minute for long."""
    hours, minutes, seconds = re.search(r"T(\d+):(\d+):([\d.]+)", text).groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


@test(deadline=60)
def a_full_disk_ends_the_recording_with_an_event_and_not_the_call(e2e):
    """The folder of the recordings is a disk of 100 KB: six seconds."""
    system = e2e.fresh(small_recordings_kb=100)
    said, file = e2e.voice(71, 12)
    phone = system.phone("1001", say=file, answer="auto")
    events = system.api.events()
    e2e.closing.append(events)
    call = system.api.call("call.originate", to="1001", app="quiet")["call"]
    leg = events.wait("leg.answered", 5)["leg"]
    started = system.api.call("recording.start", leg=leg)
    done = events.wait("recording.finished", 15, recording=started["recording"])
    assert done["reason"] == "disk_full" and done["error"], done
    assert 4000 <= done["duration_ms"] <= 6400, done
    recorded = audio.read_wav(system.inside(done["path"]))
    check_like(said, recorded, windows=4, begin=0.5, end=3.5, what="what was recorded until then")
    # the call goes on, both ways
    system.api.call("leg.play", leg=leg, files=["speech"], limit_ms=1000)
    assert events.wait("play.finished", 5, leg=leg)["reason"] == "done"
    shown = system.api.call("leg.show", leg=leg)
    assert shown["state"] == "answered", shown
    phone.keys("4")
    events.wait("leg.digit", 3, digit="4")
    # nor does another recording take it down
    try:
        again = system.api.call("recording.start", leg=leg)
        assert events.wait("recording.finished", 5, recording=again["recording"])["reason"] in ("disk_full", "failed")
    except Exception as error:  # noqa: BLE001: refused at once is good, too
        assert "recording" in str(error), error
    system.api.call("call.hangup", call=call)
    phone.wait("CALL_CLOSED", 5)
    assert events.wait("call.ended", 5, call=call)["q850"] == 16


@test(deadline=40)
def a_key_whose_tones_leak_beside_its_events_is_one_key(e2e):
    """Tones before the first event, beside the events, and after them; then, from a phone that agreed to events but
    sends tones only, each tone is a key."""
    with RtpSender() as rtp, e2e.events() as events:
        offer = sdp().replace("[media_port]", str(rtp.port))
        run = e2e.sipp("call", service="7003", offer=body(offer), talk=pause(6000))
        events.wait("leg.answered", 5)
        rtp.towards(media_port(run))
        rtp.silence(15)
        rtp.key("5", leak=4)                      # 80 ms: a tone long enough to be a key of its own
        rtp.silence(20)
        rtp.key("8", beside=True)
        rtp.silence(20)
        rtp.key("0", leak=3, beside=True, trail=5)
        rtp.silence(20)
        rtp.key("#", trail=4)
        rtp.silence(30)
        run.wait()
        pressed = [(event["digit"], event["source"]) for event in events.all("leg.digit", 0.5)]
    assert pressed == [(key, "rfc4733") for key in "580#"], f"expected the keys 580# once each, found {pressed}"
    with RtpSender() as rtp, e2e.events() as events:
        offer = sdp().replace("[media_port]", str(rtp.port))
        run = e2e.sipp("call", service="7003", offer=body(offer), talk=pause(2500))
        events.wait("leg.answered", 5)
        rtp.towards(media_port(run))
        rtp.silence(15)
        for key in "27":
            rtp.tone(key, 5)
            rtp.silence(20)
        run.wait()
        pressed = [(event["digit"], event["source"]) for event in events.all("leg.digit", 0.5)]
    assert pressed == [("2", "inband"), ("7", "inband")], f"expected the tones 2 and 7, found {pressed}"


def media_port(run):
    """Where the server wants its RTP: from the answer that sipp got."""
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        if found := re.search(r"SIP/2.0 200 .*?m=audio (\d+)", run.messages(), re.DOTALL):
            return int(found[1])
        time.sleep(0.02)
    raise AssertionError("sipp got no answer with SDP within 3 s")
