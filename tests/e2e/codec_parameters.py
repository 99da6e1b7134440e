"""What a party's SDP asks of a codec (a=fmtp, a=ptime) is answered, and obeyed in what is sent; and each party has the
list, the order and the parameters that [[peer]] says. Read off the packets themselves."""
import re
from statistics import mean

from caller import Caller
from suite import ROUTES, test

MEDIA = ('codecs = ["opus", "AMR", "AMR-WB", "G729", "G726-32", "AAL2-G726-32", "G722", "PCMU", "PCMA"]\n')
AMR_BYTES = (12, 13, 15, 17, 19, 20, 26, 31)        # speech bytes of each mode, octet-aligned (RFC 4867 4.4.3)
WB_BYTES = (17, 23, 32, 36, 40, 46, 50, 58, 60)


def fmtp(sdp, number):
    found = re.search(rf"a=fmtp:{number} ([^\r]*)", sdp)
    return dict(part.strip().partition("=")[::2] for part in found[1].split(";")) if found else {}


def length(packets):
    """The most usual step of their times."""
    steps = [b[2] - a[2] & 0xFFFFFFFF for a, b in zip(packets, packets[1:])]
    return max(set(steps), key=steps.count)


def sent_to(system, user, number, formats, lines, seconds=0.8):
    """(the answer, the packets of audio that came) of a call that plays speech."""
    with Caller(system, user) as caller:
        status, answer = caller.call(number, formats, lines)
        assert status == 200, f"{formats} {lines!r}: {status}"
        first = int(formats.split()[0])
        packets = [one for one in caller.listen(seconds) if one[0] == first]
        caller.hangup()
    assert len(packets) > 8, f"{formats} {lines!r}: {len(packets)} packets of it in {seconds} s\n{answer}"
    return answer, packets[3:]


# ---- Opus: of the first byte, the configuration and the stereo bit (RFC 6716 3.1)

def opus_band(payload):
    """8, 12, 16, 24 or 48 kHz."""
    config = payload[0] >> 3
    if config < 12:
        return (8, 12, 16)[config // 4]
    return (24, 48)[(config - 12) // 2] if config < 16 else (8, 16, 24, 48)[(config - 16) // 4]


def bitrate(packets, ms):
    return mean(len(one[3]) for one in packets) * 8000 / ms


OPUS = (  # a=fmtp, ptime, and what holds for what is sent
    ("", 20, lambda p: {len(x[3][:1]) for x in p} == {1} and not any(x[3][0] & 4 for x in p)),
    ("cbr=1;maxaveragebitrate=16000", 20, lambda p: {len(x[3]) for x in p} == {40}),
    ("maxaveragebitrate=12000", 20, lambda p: bitrate(p, 20) < 15000),
    ("maxplaybackrate=8000;sprop-maxcapturerate=8000", 20, lambda p: max(opus_band(x[3]) for x in p) == 8),
    ("maxplaybackrate=16000", 20, lambda p: max(opus_band(x[3]) for x in p) <= 16),
    ("stereo=0;sprop-stereo=1;minptime=10;useinbandfec=1;usedtx=0", 20, lambda p: not any(x[3][0] & 4 for x in p)),
    ("", 10, lambda p: length(p) == 480),
    ("", 40, lambda p: length(p) == 1920),
    ("", 60, lambda p: length(p) == 2880),
)


@test(deadline=60)
def what_an_offer_asks_of_opus_is_what_is_sent(e2e):
    system = e2e.fresh(media=MEDIA)
    for asked, ptime, holds in OPUS:
        lines = "a=rtpmap:96 opus/48000/2\r\n" + (f"a=fmtp:96 {asked}\r\n" if asked else "") + f"a=ptime:{ptime}\r\n"
        answer, packets = sent_to(system, "1001", "7001", "96", lines)
        assert "a=rtpmap:96 opus/48000/2" in answer, answer
        assert length(packets) == 48 * ptime, f"{asked} ptime {ptime}: steps of {length(packets)}"
        assert holds(packets), f"{asked} ptime {ptime}: {[one[3][:2].hex() for one in packets[:5]]} {[len(o[3]) for o in packets]}"


@test(deadline=40)
def stereo_opus_is_sent_to_who_asks_for_it_where_it_is_switched_on(e2e):
    system = e2e.fresh(media=MEDIA, top=ROUTES + "[plugin.opus]\nstereo = true\n")
    for asked, bit in (("stereo=1;sprop-stereo=1", 4), ("stereo=0", 0), ("", 0)):
        lines = "a=rtpmap:96 opus/48000/2\r\n" + (f"a=fmtp:96 {asked}\r\n" if asked else "")
        answer, packets = sent_to(system, "1001", "7001", "96", lines)
        assert fmtp(answer, 96).get("stereo") == "1", answer
        assert {one[3][0] & 4 for one in packets} == {bit}, asked


# ---- AMR: octet-aligned, one frame a packet, so that the mode can be read (RFC 4867 4.4)

def amr_modes(packets):
    return {one[3][1] >> 3 & 15 for one in packets if one[3][1] >> 3 & 15 != 15}


@test(deadline=60)
def what_an_offer_asks_of_amr_is_what_is_sent(e2e):
    system = e2e.fresh(media=MEDIA)
    for name, clock, sizes, modes, best in (("AMR", 8000, AMR_BYTES, "0,2,4", 4), ("AMR", 8000, AMR_BYTES, "7", 7),
                                            ("AMR-WB", 16000, WB_BYTES, "0,1", 1), ("AMR-WB", 16000, WB_BYTES, "", 2)):
        asked = "octet-align=1" + (f";mode-set={modes};mode-change-period=2;mode-change-neighbor=1" if modes else "")
        answer, packets = sent_to(system, "1001", "7001", "97", f"a=rtpmap:97 {name}/{clock}\r\na=fmtp:97 {asked}\r\n")
        said = fmtp(answer, 97)
        assert said.get("octet-align") == "1" and said.get("mode-set", "") == modes, (asked, said)
        assert amr_modes(packets) == {best}, (asked, amr_modes(packets))
        assert {len(one[3]) for one in packets} == {2 + sizes[best]}, (asked, {len(one[3]) for one in packets})
    # Bandwidth-efficient: 4 bits of request, 6 of table and 244 of speech are 32 bytes.
    answer, packets = sent_to(system, "1001", "7001", "97", "a=rtpmap:97 AMR/8000\r\n")
    assert fmtp(answer, 97).get("octet-align", "0") == "0" and {len(one[3]) for one in packets} == {32}, answer
    with Caller(system, "1001") as caller:
        for unknown in ("octet-align=1;crc=1", "octet-align=1;robust-sorting=1", "octet-align=1;interleaving=30"):
            status, answer = caller.call("7001", "97 0", f"a=rtpmap:97 AMR/8000\r\na=fmtp:97 {unknown}\r\n")
            assert status == 200 and re.search(r"m=audio \d+ RTP/AVP 0\r\n", answer), (unknown, answer)
            caller.hangup()


@test(deadline=40)
def a_mode_that_the_phone_asks_for_in_mid_call_is_sent(e2e):
    system = e2e.fresh(media=MEDIA)
    with Caller(system, "1001") as caller:
        status, answer = caller.call("7001", "97", "a=rtpmap:97 AMR/8000\r\na=fmtp:97 octet-align=1\r\n")
        assert status == 200
        port = int(re.search(r"m=audio (\d+)", answer)[1])
        assert amr_modes(caller.listen(0.5)) == {7}
        for n in range(5):  # "no data", and a request for 4.75 kbit/s
            caller.send(97, n, 160 * n, bytes([0x00, 0x7C]), port)
        assert amr_modes(caller.listen(0.8)[10:]) == {0}


@test(deadline=60)
def annex_b_packings_and_lengths_are_what_was_asked_for(e2e):
    system = e2e.fresh(media=MEDIA)
    loaded = not system.logged("G729 is left out")
    rows = [("98", "a=rtpmap:98 G726-32/8000\r\na=ptime:30\r\n", 240, 120), ("98", "a=rtpmap:98 AAL2-G726-32/8000\r\n", 160, 80),
            ("9", "a=ptime:40\r\n", 320, 320), ("0", "a=ptime:60\r\na=maxptime:60\r\n", 480, 480), ("0", "a=ptime:10\r\n", 80, 80),
            ("8", "a=maxptime:10\r\n", 80, 80)]
    if loaded:
        rows += [("18", "a=fmtp:18 annexb=no\r\n", 160, 20), ("18", "a=fmtp:18 annexb=no\r\na=ptime:40\r\n", 320, 40)]
    for formats, lines, step, size in rows:
        answer, packets = sent_to(system, "1001", "7001", formats, lines)
        assert length(packets) == step and {len(one[3]) for one in packets} == {size}, (lines, length(packets), {len(one[3]) for one in packets})
        if "annexb=no" in lines:
            assert fmtp(answer, 18).get("annexb") == "no", answer


PEERS = """
[[peer]]
name = "mobile"
users = "1001"
codecs = ["AMR;octet-align=1;mode-set=0,2", "PCMA"]
codec_order = "ours"
ptime_ms = 40
[[peer]]
name = "browser"
users = ["1002"]
codecs = ["opus;maxaveragebitrate=20000;useinbandfec=0;cbr=1", "PCMU"]
codec_order = "theirs"
"""


@test(deadline=60)
def each_party_has_its_own_list_order_and_parameters(e2e):
    system = e2e.fresh(media='codecs = ["PCMU", "PCMA"]\n', top=ROUTES + PEERS)
    lines = "a=rtpmap:96 opus/48000/2\r\na=rtpmap:97 AMR/8000\r\na=fmtp:97 octet-align=1\r\n"

    def answered(user):
        with Caller(system, user) as caller:
            status, answer = caller.call("7001", "0 96 8 97", lines)
            assert status == 200, (user, status)
            packets = caller.listen(0.6)
        listed = re.search(r"m=audio \d+ RTP/AVP ([\d ]+)", answer)[1].split()
        return [one for one in listed if one in ("0", "8", "96", "97")], answer, {one[0] for one in packets}

    listed, answer, came = answered("1001")
    assert listed == ["97", "8"], f"ours comes first, and nothing else is allowed: {answer}"
    assert fmtp(answer, 97).get("mode-set") == "0,2" and "a=ptime:40" in answer, answer
    assert came == {97}, came
    listed, answer, came = answered("1002")
    assert listed == ["0", "96"], f"theirs comes first: {answer}"
    assert fmtp(answer, 96).get("maxaveragebitrate") == "20000" and fmtp(answer, 96).get("cbr") == "1", answer
    assert fmtp(answer, 96).get("useinbandfec") == "0" and "a=ptime:20" in answer, answer
    assert came == {0}, came
    listed, answer, came = answered("1003")
    assert listed == ["0", "8"], f"[media] holds for all others: {answer}"
