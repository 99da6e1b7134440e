"""The demo's menu (5000): what is heard is the prompt, keys choose the branch."""
import math

import audio
from suite import check_like, heard_by, prompt, test


def ring_menu(e2e, **options):
    phone = e2e.phone("1003", **options)
    phone.dial("5000")
    phone.wait("CALL_ESTABLISHED")
    return phone


def finish(phone):
    phone.hangup()
    phone.wait("CALL_CLOSED")
    return heard_by(phone)


@test(deadline=40)
def the_menu_says_its_prompt_and_a_key_chooses_the_branch(e2e):
    with e2e.events() as events:
        phone = ring_menu(e2e)
        phone.pause(4.5)
        phone.keys("3")
        events.wait("leg.digit", 3, digit="3")
        phone.pause(3.5)
        heard = finish(phone)
        assert len(events.all("leg.digit", 0.3)) == 1, "one key was counted more than once"
    check_like(prompt("hello-world"), heard, windows=3, what="the greeting")
    check_like(prompt("vm-press"), heard, what="the menu's prompt")
    congrats = prompt("demo-congrats")[:24000]
    check_like(congrats, heard, windows=4, what="what key 3 chose")
    found = audio.likeness(congrats, heard, windows=4)
    where = [at for at, score in zip(found.positions, found.scores) if score > 0.9]
    assert where == sorted(where), f"the prompt's parts were heard out of order: {where}"


@test(deadline=40)
def a_key_nobody_offered_is_refused_and_the_menu_goes_on(e2e):
    phone = ring_menu(e2e)
    phone.pause(1)
    phone.keys("8")
    phone.pause(4)
    phone.keys("3")
    phone.pause(4)
    heard = finish(phone)
    check_like(prompt("pbx-invalid")[:12000], heard, windows=3, what="the answer to key 8")
    check_like(prompt("demo-congrats")[:12000], heard, windows=3, what="what key 3 chose afterwards")


@test(deadline=40)
def an_extension_dialed_in_the_menu_rings_that_phone(e2e):
    said, file = e2e.voice(61, 8)
    other = e2e.phone("1002")
    phone = ring_menu(e2e, say=file)
    phone.pause(0.7)
    phone.keys("1002")
    other.wait("CALL_INCOMING", 6)
    other.answer()
    other.wait("CALL_ESTABLISHED")
    other.pause(2)
    other.hangup()
    phone.wait("CALL_CLOSED", 8)
    check_like(heard_by(other), said, windows=2, begin=0.4)


@test(deadline=40)
def tones_in_the_audio_count_when_the_phone_offers_no_events(e2e):
    """A phone without telephone-event: sipp offers PCMU only; the key is a tone in its audio."""
    with e2e.events() as events:
        phone = e2e.phone("1003", say=tone(e2e, "3"), dtmf="inband")
        phone.dial("5000")
        phone.wait("CALL_ESTABLISHED")
        phone.pause(2.5)
        digit = events.wait("leg.digit", 4)
        assert digit["digit"] == "3" and digit["source"] == "inband", digit
        phone.pause(2)
        heard = finish(phone)
        assert len(events.all("leg.digit", 0.2)) == 1, "one tone was counted more than once"
    check_like(prompt("demo-congrats")[:12000], heard, windows=3, what="what key 3 chose")


def tone(e2e, key):
    """A WAV: silence, 200 ms of a key's two tones, silence."""
    rows, columns = (697, 770, 852, 941), (1209, 1336, 1477)
    at = "123456789*0#".index(key)
    low, high = rows[at // 3], columns[at % 3]
    samples = [int(7000 * (math.sin(2 * math.pi * low * i / 8000) + math.sin(2 * math.pi * high * i / 8000)))
               for i in range(1600)]
    return audio.write_wav(f"{e2e.system.folder}/tone.wav", samples, silence_before=1.0, silence_after=60)
