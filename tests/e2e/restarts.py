"""Kamailio and Tandem end in mid-call, and come back."""
import glob
import os
import signal
import time

import audio
from phones import connect
from sipp import expect
from suite import check_like, heard_by, test
from system import free_port


@test(deadline=60)
def a_call_lives_through_a_restart_of_kamailio_and_the_caller_hangs_up(e2e):
    (a, said_a), (b, said_b) = connect(e2e, seconds=14)
    a.pause(1)
    e2e.system.kill_kamailio()
    a.pause(2.5)
    e2e.system.wait_kamailio()
    a.pause(1)
    a.hangup()
    b.wait("CALL_CLOSED", 5)
    at_a, at_b = heard_by(a), heard_by(b)
    check_like(said_a, at_b, windows=5, begin=0.5, end=4, what="what the callee heard across the restart")
    check_like(said_b, at_a, windows=5, begin=0.5, end=4, what="what the caller heard across the restart")


@test(deadline=60)
def a_call_lives_through_a_restart_of_kamailio_and_the_callee_hangs_up(e2e):
    (a, _), (b, _) = connect(e2e, seconds=6)
    a.pause(0.5)
    e2e.system.kill_kamailio()
    e2e.system.wait_kamailio()
    b.hangup()
    a.wait("CALL_CLOSED", 5)


@test(deadline=60)
def registrations_survive_a_restart_of_kamailio(e2e):
    b = e2e.phone("1002", answer="auto")
    deadline = time.monotonic() + 10  # registrations are written once a second, by a disk that may be busy
    while not e2e.system.has_on_disk(b):
        assert time.monotonic() < deadline, "the registration was not written within 10 s"
        time.sleep(0.1)
    e2e.system.kill_kamailio()
    e2e.system.wait_kamailio()
    a = e2e.phone("1001")
    a.dial("71002")
    a.wait("CALL_ESTABLISHED")
    a.hangup()
    b.wait("CALL_CLOSED")


@test(deadline=90)
def without_tandem_callers_get_503_and_calls_work_within_two_seconds_of_its_return(e2e):
    link = free_port(15900)
    system = e2e.fresh(kamailio=f'evapi = "127.0.0.1:{link}"\nlink_token = "a-token-for-this-test"')
    system.stop_and_run_kamailio()
    system.start()
    e2e.sipp("call", system=system, service="7001", talk="").wait()
    system.kill()
    e2e.sipp("unserved", system=system, service="7001", expect="503",
             on_answer=expect("[0-9]+", header="Retry-After:")).wait()
    begun = time.monotonic()
    system.start()
    e2e.sipp("call", system=system, service="7001", talk="").wait()
    took = time.monotonic() - begun
    assert took < 2, f"a call worked {took:.1f} s after Tandem's start"


@test(deadline=90)
def a_recording_cut_off_by_kill_9_is_recovered_by_the_next_start(e2e):
    system = e2e.fresh()
    said, file = e2e.voice(51, 8)
    phone = system.phone("1001", say=file, answer="auto")
    with system.api.events() as events:
        system.api.call("call.originate", to="1001", app="quiet")
        leg = events.wait("leg.answered")["leg"]
        started = system.api.call("recording.start", leg=leg)
        phone.pause(4)
        system.kill()
    parts = glob.glob(f"{system.state}/recordings/**/*.part", recursive=True)
    assert parts, "the recording under way was not found in the recordings' folder"
    system.start()
    deadline = time.monotonic() + 5
    wavs = []
    while not wavs and time.monotonic() < deadline:
        wavs = [path for path in glob.glob(f"{system.state}/recordings/**/*", recursive=True)
                if os.path.isfile(path) and not path.endswith(".part")]
        time.sleep(0.05)
    assert wavs, f"nothing was recovered of {started}"
    samples = audio.read_wav(wavs[0])
    assert audio.seconds_of(samples) >= 3, f"only {audio.seconds_of(samples):.1f} s of 4 s were recovered"
    check_like(said, samples, windows=4, begin=0.5, end=2.5, what="the recovered recording")


@test(deadline=40)
def sigterm_in_mid_call_says_goodbye_to_the_phones(e2e):
    system = e2e.fresh()
    phone = system.phone("1001")
    phone.dial("7001")
    phone.wait("CALL_ESTABLISHED")
    phone.pause(0.5)
    system.process.send_signal(signal.SIGTERM)
    phone.wait("CALL_CLOSED", 5)
    assert system.process.wait(10) == 0
