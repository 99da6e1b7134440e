"""What a program does over the API: places calls, plays, sends keys, records, hangs up, follows the events."""
import json
import os
import time

import audio
from suite import check_like, check_unlike, heard_by, test


def place(e2e, events, phone, app="quiet"):
    """Originates a call to the phone: (call, leg), answered."""
    placed = e2e.api.call("call.originate", to=phone.user, app=app)
    phone.wait("CALL_INCOMING")
    phone.answer()
    phone.wait("CALL_ESTABLISHED")
    leg = events.wait("leg.answered", 5, call=placed["call"])["leg"]
    return placed["call"], leg


@test(deadline=40)
def a_program_places_a_call_plays_sends_keys_and_hangs_up(e2e):
    events = e2e.events()
    phone = e2e.phone("1001")
    call, leg = place(e2e, events, phone)
    e2e.api.call("leg.play", leg=leg, files=["speech"], limit_ms=2000)
    done = events.wait("play.finished", 6, leg=leg)
    assert done["reason"] == "done" and 1900 <= done["played_ms"] <= 2100, done
    e2e.api.call("leg.send_digits", leg=leg, digits="159#")
    events.wait("digits.sent", 6, leg=leg)
    phone.pause(0.5)
    e2e.api.call("call.hangup", call=call)
    phone.wait("CALL_CLOSED")
    ended = events.wait("call.ended", call=call)
    assert ended["q850"] == 16, ended
    check_like(audio.speechlike(100, 2), heard_by(phone), windows=3, what="what the phone heard")
    keys = [e.get("param") for e in phone.events if e["type"] == "CALL_DTMF_START"]
    assert keys == ["1", "5", "9", "#"], f"the phone got the keys {keys}"


@test(deadline=40)
def a_recording_has_each_side_in_its_channel(e2e):
    events = e2e.events()
    said, file = e2e.voice(31, 5)
    phone = e2e.phone("1001", say=file)
    call, leg = place(e2e, events, phone)
    started = e2e.api.call("recording.start", leg=leg, stereo=True)
    e2e.api.call("leg.play", leg=leg, files=["speech"], limit_ms=4000)
    phone.pause(4.5)
    e2e.api.call("recording.stop", recording=started["recording"])
    done = events.wait("recording.finished", 6, leg=leg)
    assert done["reason"] == "stopped" and 4000 <= done["duration_ms"] <= 6500, done
    path = done["path"] if os.path.isabs(done["path"]) else f"{e2e.system.state}/recordings/{done['path']}"
    one, other = audio.read_wav(path, 0), audio.read_wav(path, 1)
    check_like(said, one, windows=4, begin=0.5, end=4, what="the phone's channel")
    check_like(audio.speechlike(100, 4), other, windows=4, end=3.5, what="the server's channel")
    check_unlike(said, other, windows=4, what="the server's channel")
    e2e.api.call("call.hangup", call=call)
    phone.wait("CALL_CLOSED")


@test(deadline=40)
def a_paused_recording_is_silent_for_that_time(e2e):
    events = e2e.events()
    _, file = e2e.voice(32, 10)
    phone = e2e.phone("1001", say=file)
    call, leg = place(e2e, events, phone)
    started = e2e.api.call("recording.start", leg=leg)
    phone.pause(1.2)
    e2e.api.call("recording.pause", recording=started["recording"])
    phone.pause(2)
    e2e.api.call("recording.resume", recording=started["recording"])
    phone.pause(1.2)
    e2e.api.call("recording.stop", recording=started["recording"])
    done = events.wait("recording.finished", 6, leg=leg)
    samples = audio.read_wav(done["path"])
    assert 4000 <= done["duration_ms"] <= 5500 and abs(len(samples) / 8 - done["duration_ms"]) <= 40, done
    still = audio.seconds_of(samples) - audio.loud_seconds(samples, above=20)
    assert 1.7 <= still <= 3.0, f"{still:.1f} s of the recording are silent, 2 s were paused"
    e2e.api.call("call.hangup", call=call)
    phone.wait("CALL_CLOSED")


@test(deadline=40)
def a_program_joins_two_phones(e2e):
    said_a, file_a = e2e.voice(33, 5)
    said_b, file_b = e2e.voice(34, 5)
    a = e2e.phone("1001", say=file_a, answer="auto")
    b = e2e.phone("1002", say=file_b, answer="auto")
    placed = e2e.api.call("call.originate", to="1001", bridge_to="1002")
    a.wait("CALL_ESTABLISHED")
    b.wait("CALL_ESTABLISHED")
    a.pause(4)
    e2e.api.call("call.hangup", call=placed["call"])
    a.wait("CALL_CLOSED")
    b.wait("CALL_CLOSED")
    check_like(said_a, heard_by(b), windows=3, begin=1.0, end=3.5)
    check_like(said_b, heard_by(a), windows=3, end=3)


@test(deadline=30)
def a_client_that_comes_back_gets_the_events_it_missed(e2e):
    with e2e.events() as events:
        phone = e2e.phone("1001")
        call, _ = place(e2e, events, phone)
        last = events.seen[-1]["seq"]
    e2e.api.call("call.hangup", call=call)
    phone.wait("CALL_CLOSED")
    phone.pause(0.5)
    with e2e.events(since=last) as events:
        ended = events.wait("call.ended", 3, call=call)
        numbers = [event["seq"] for event in events.seen]
        assert numbers == list(range(last + 1, last + 1 + len(numbers))), f"after {last} came {numbers}"
        assert ended["seq"] > last


@test(deadline=30)
def the_same_idempotency_key_places_one_call(e2e):
    with e2e.events() as events:
        phone = e2e.phone("1001")
        first = e2e.api.call("call.originate", to="1001", app="quiet", idempotency_key="order-4711")
        again = e2e.api.call("call.originate", to="1001", app="quiet", idempotency_key="order-4711")
        assert first == again, (first, again)
        phone.wait("CALL_INCOMING")
        phone.pause(0.5)
        assert len([e for e in phone.events if e["type"] == "CALL_INCOMING"]) == 1
        e2e.api.call("call.hangup", call=first["call"])
        phone.wait("CALL_CLOSED")
        assert len(events.all("call.started", 0.3)) == 1


@test(deadline=20)
def the_api_refuses_what_is_wrong_with_a_clear_answer(e2e):
    rows = [
        ("not json", "{", -32700),
        ("no request", "[]", -32600),
        ("unknown method", json.dumps({"jsonrpc": "2.0", "id": 1, "method": "call.fly"}), None),
        ("unknown call", json.dumps({"jsonrpc": "2.0", "id": 1, "method": "call.hangup", "params": {"call": "x"}}), None),
        ("wrong type", json.dumps({"jsonrpc": "2.0", "id": 1, "method": "call.hangup", "params": {"call": 7}}), None),
    ]
    for name, text, code in rows:
        _, body = e2e.api.post(text)
        error = json.loads(body)["error"]
        assert error["message"], name
        assert code is None or error["code"] == code, f"{name}: expected {code}, found {error}"
    status, _ = e2e.api.post(b"x" * (10 << 20))
    assert status == 413, f"10 MB: expected 413, found {status}"
    for token in ("", "wrong-token-wrong-token"):
        status, _ = e2e.api.post("{}", token=token)
        assert status == 401, f"token {token!r}: expected 401, found {status}"
    assert e2e.api.call("status")["link"] == "up"


@test(deadline=30)
def the_call_leaves_a_record_and_metrics(e2e):
    before = e2e.api.metric("tandem_calls_total")
    run = e2e.sipp("call", user="1002", service="7001")
    run.wait()
    assert e2e.api.metric("tandem_calls_total") == before + 1
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        records = e2e.api.call("cdr.list", limit=20)["cdrs"]
        mine = [r for r in records if "7001" in json.dumps(r) and "1002" in json.dumps(r)]
        if mine:
            for plugin in ("kamailio_link_frames_received", "store_cdr_stored", "lua_scripts_started", "http_requests"):
                assert e2e.api.metric(f"tandem_{plugin}_total") >= 1, f"tandem_{plugin}_total is not at /metrics"
            return
        time.sleep(0.1)
    raise AssertionError(f"there is no record of the call; the newest: {json.dumps(records)[:600]}")
