"""OpenSIPS with its rtpengine module drives Tandem: the calls of anchoring.py, and what only its module does. Skipped where
there is no OpenSIPS (lib/opensips.py says how one is found)."""
import glob
import re
import time

import audio
from anchoring import Anchoring, check_given_up_and_refused_calls, check_heard_each_other
from opensips import OpenSips
from suite import check_unlike, heard_by, test
from system import free_port


@test(deadline=60)
def opensips_with_its_rtpengine_module_anchors_a_call_between_two_phones(e2e):
    here = Anchoring(e2e, proxy=OpenSips)
    (a, said_a), (b, said_b) = here.connect(seconds=10.0)
    a.pause(5)
    calls = here.calls()
    assert len(calls) == 1, calls
    report = here.ng.ask("query", call_id=calls[0])
    assert len(report["tags"]) == 2, report
    assert all(tag["medias"][0]["streams"][0]["stats"]["packets"] > 150 for tag in report["tags"].values()), report
    b.command("hold")
    a.pause(1.5)
    b.command("resume")
    a.pause(2)
    assert here.metric("tandem_anchor_offers_total") == 3
    b.hangup()
    a.wait("CALL_CLOSED")
    here.check_given_back()
    check_heard_each_other((a, said_a), (b, said_b))
    check_unlike(said_a, heard_by(a), what="what the caller heard of itself", end=4.5)


@test(deadline=60)
def opensips_has_a_call_transcoded_and_recorded_and_reads_its_quality(e2e):
    here = Anchoring(e2e, proxy=OpenSips, flags="replace-origin transcode-PCMA codec-mask-PCMU ICE=remove",
                     answered='if (is_method("INVITE") && $rs == "200") rtpengine_start_recording();',
                     within='if (is_method("BYE")) xlog("L_ERR", "QUALITY average=$rtpstat(mos-average) min=$rtpstat(mos-min) '
                            'max=$rtpstat(mos-max)\\n");')
    (a, said_a), (b, said_b) = here.connect(codec_b="PCMA/8000/1")
    a.pause(6)
    report = here.ng.ask("query", call_id=here.calls()[0])
    codecs = sorted(media["codec"] for tag in report["tags"].values() for media in tag["medias"])
    assert codecs == ["PCMA", "PCMU"], report
    a.hangup()
    b.wait("CALL_CLOSED")
    here.check_given_back()
    check_heard_each_other((a, said_a), (b, said_b))
    deadline = time.monotonic() + 5
    while not (found := re.findall(r"QUALITY average=(\d+) min=(\d+) max=(\d+)", here.proxy.tail(200))):
        assert time.monotonic() < deadline, here.proxy.tail(40)
        time.sleep(0.1)
    average, lowest, highest = (int(text) for text in found[-1])
    assert 40 <= lowest <= average <= highest <= 45, found
    recordings = glob.glob(f"{here.system.state}/recordings/**/*.wav", recursive=True)
    assert recordings, "no recording"
    sides = [audio.read_wav(recordings[0], channel) for channel in (0, 1)]
    for said in (said_a, said_b):
        best = max(audio.likeness(side, said, end=4.0).score for side in sides)
        assert best >= 0.9, (recordings, best)


@test(deadline=60)
def opensips_is_told_the_keys_that_are_pressed_in_an_anchored_call(e2e):
    keys_at = free_port(2900)
    here = Anchoring(e2e, proxy=OpenSips, keys_at=keys_at, ng=f'dtmf_log = "127.0.0.1:{keys_at}"')
    (a, _), (b, _) = here.connect(seconds=3.0)
    call = here.calls()[0]
    a.keys("5#")
    deadline = time.monotonic() + 5
    while len(found := re.findall(r"KEY (\d+) of \S+ in (\S+)", here.proxy.tail(200))) < 2:
        assert time.monotonic() < deadline, here.proxy.tail(40)
        time.sleep(0.1)
    assert found == [("5", call), ("11", call)], found
    a.hangup()
    b.wait("CALL_CLOSED")
    here.check_given_back()


@test(deadline=60)
def opensips_with_its_rtp_relay_module_anchors_a_call_with_hold(e2e):
    here = Anchoring(e2e, proxy=OpenSips, relay=True)
    (a, said_a), (b, said_b) = here.connect(seconds=10.0)
    a.pause(5)
    b.command("hold")
    a.pause(1.5)
    b.command("resume")
    a.pause(2)
    assert len(here.calls()) == 1 and here.metric("tandem_anchor_offers_total") == 3
    a.hangup()
    b.wait("CALL_CLOSED")
    here.check_given_back()
    check_heard_each_other((a, said_a), (b, said_b))


@test(deadline=60)
def a_caller_of_opensips_that_gives_up_leaves_no_ports_behind(e2e):
    check_given_up_and_refused_calls(Anchoring(e2e, proxy=OpenSips))
