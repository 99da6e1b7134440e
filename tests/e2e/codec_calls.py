"""Calls between phones that have no codec in common: baresip's own codecs on one side, PCMU on the other.

baresip brings what it says and hears from 8 kHz to its codec's rate and back itself, which costs likeness. Its G.726
is not among them: it packs G726-32 as AAL2-G726-32 is packed, against RFC 3551 4.5.4."""
import subprocess

import audio
from suite import check_like, test

MEDIA = 'codecs = ["PCMU", "PCMA", "G722", "opus", "GSM", "AMR", "L16/16000", "L16/8000"]'


def heard_at_8khz(phone):
    """What a phone heard; baresip writes it at the codec's own rate and channels."""
    phone.pause(1)  # the files are completed after the call
    samples = audio.array.array("h")
    for i, part in enumerate(phone.heard_parts()):
        path = f"{phone.folder}/part-{i}.wav"
        subprocess.run(["sox", part, "-r", "8000", "-c", "1", "-b", "16", path], check=True)
        samples += audio.read_wav(path)
    return samples


def talk(e2e, codec, least):
    system = e2e.fresh(media=MEDIA)
    said_a, file_a = e2e.voice(1, 6.0)
    said_b, file_b = e2e.voice(2, 6.0)
    b = system.phone("1002", say=file_b, codec="PCMU/8000/1")
    a = system.phone("1001", say=file_a, codec=codec)
    a.dial("1002")
    b.wait("CALL_INCOMING")
    b.answer()
    a.wait("CALL_ESTABLISHED")
    b.wait("CALL_ESTABLISHED")
    a.pause(5)
    call = system.api.call("call.list")["calls"][0]
    media = {leg["direction"]: leg["media"] for leg in system.api.call("call.show", call=call["call"])["legs"]}
    for direction, spoken in (("inbound", codec.split("/")[0]), ("outbound", "PCMU")):
        seen = media[direction]
        assert seen["sent"]["codec"] == spoken, (direction, seen)
        assert seen["mode"] == "transcode", (direction, seen)
        assert seen["received"]["packets"] > 150 and seen["sent"]["packets"] > 150, (direction, seen)
    a.hangup()
    b.wait("CALL_CLOSED")
    for said, phone, who in ((said_a, b, "callee"), (said_b, a, "caller")):
        check_like(said, heard_at_8khz(phone), least=least, what=f"what the {who} heard", end=4.0)



@test(deadline=60)
def a_phone_with_opus_talks_to_one_with_pcmu(e2e):
    talk(e2e, "opus/48000/2", 0.7)


@test(deadline=60)
def a_phone_with_g722_talks_to_one_with_pcmu(e2e):
    talk(e2e, "G722/16000/1", 0.7)


@test(deadline=60)
def a_phone_with_gsm_talks_to_one_with_pcmu(e2e):
    talk(e2e, "GSM/8000/1", 0.6)


@test(deadline=60)
def a_phone_with_amr_talks_to_one_with_pcmu(e2e):
    talk(e2e, "AMR/8000/1", 0.5)
