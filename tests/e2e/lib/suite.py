"""The runner of the end-to-end tests: each test has a deadline and is told by one line.

    @test(deadline=30)
    def the_menu_follows_the_key(e2e): …          e2e.system is shared, e2e.fresh(…) is this test's own

A test fails by AssertionError (or any exception); what calls it leaves behind fails it, too.
"""
import signal
import time
import traceback

import audio
from lamp import Lamp
from sipp import Sipp
from system import ROOT, Skipped, System

SOUNDS = "/usr/share/asterisk/sounds/en_US_f_Allison"
ROUTES = f"""
[[route]]
number = "_100X"
app = "extension"
args = '{{"timeout_s": 4}}'
[[route]]
number = "5000"
app = "ivr"
[[route]]
number = "*97"
app = "voicemail"
[[route]]
number = "*43"
app = "echo"
[[route]]
number = "_7100X"
app = "ring_only"
[[route]]
number = "7001"
app = "speaker"
[[route]]
number = "7003"
app = "quiet"
"""
TESTS = []


class Overdue(BaseException):
    """The deadline has passed. No Exception, so that no test catches it."""


def test(deadline=30):
    def add(function):
        TESTS.append((function.__name__, deadline, function))
        return function
    return add


class EndToEnd:
    """What a test is given."""

    def __init__(self):
        self.shared, self.own, self.closing = None, [], []

    @property
    def system(self):
        if self.shared is None:
            self.shared = self._made()
        return self.shared

    @property
    def api(self):
        return self.system.api

    def fresh(self, **options):
        """A system of this test's own."""
        system = self._made(**options)
        self.own.append(system)
        return system

    @staticmethod
    def _made(**options):
        system = System(scripts=[f"{ROOT}/tests/e2e/apps", f"{ROOT}/scripts/examples"],
                        **{"top": ROUTES, "hold_music": "music", **options})
        audio.write_wav(f"{system.prompts}/speech.wav", audio.speechlike(100, 20))
        audio.write_wav(f"{system.prompts}/music.wav", audio.speechlike(101, 20, level=3000))
        try:
            return system.start()
        except BaseException:
            print(system.tail(40))
            system.stop()
            raise

    # -- shortcuts
    def phone(self, user, **options):
        return self.system.phone(user, **options)

    def voice(self, seed, seconds=6.0, before=0.5):
        """(samples, path of a WAV that says them and then keeps silent)."""
        samples = audio.speechlike(seed, seconds)
        path = f"{self.system.folder}/voice-{seed}-{seconds}.wav"
        return samples, audio.write_wav(path, samples, silence_after=120, silence_before=before)

    def sipp(self, scenario="call", system=None, **options):
        run = Sipp(system or self.system, scenario, **options)
        self.closing.append(run)
        return run

    def lamp(self, user):
        lamp = Lamp(self.system, user)
        self.closing.append(lamp)
        return lamp

    def events(self, **filters):
        events = self.api.events(**filters)
        self.closing.append(events)
        return events

    def after(self):
        """Clears up after a test; what was wrong with what is left."""
        wrong = []
        for thing in self.closing:
            thing.close()
        self.closing.clear()
        for system in self.own:
            wrong += system.stop()
            system.remove()
        self.own.clear()
        if self.shared is not None:
            if self.shared.process.poll() is not None:
                wrong.append(f"tandem ended with {self.shared.process.returncode}:\n{self.shared.tail()}")
                self.shared.stop()
                self.shared = None
                return wrong
            for phone in self.shared.phones:
                phone.close()
            self.shared.phones.clear()
            try:
                self.shared.wait_idle()
            except Exception as error:  # noqa: BLE001: a report, whatever it is
                wrong.append(str(error))
                self.shared.hang_up_everything()
        return wrong

    def end(self):
        if self.shared is None:
            return []
        wrong = self.shared.stop()
        self.shared.remove()
        return wrong


def prompt(name):
    """The samples of one of Debian's prompts."""
    return audio.read_wav(f"{SOUNDS}/{name}.wav")


def heard_by(phone, seconds=3):
    """The samples that a phone heard in its call, all parts in their order, once the files are complete."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            parts = [audio.read_wav(path) for path in phone.heard_parts()]
        except (EOFError, ValueError, audio.wave.Error):
            parts = []
        if any(parts):
            return sum(parts[1:], parts[0])
        phone.pause(0.1)
    raise AssertionError(f"phone {phone.user} heard nothing")


def check_like(said, heard, least=0.9, what="what was heard", **options):
    likeness = audio.likeness(said, heard, **options)
    assert likeness.score >= least, f"{what} is not what was said: expected {least} or more, found {likeness}"
    return likeness


def check_unlike(said, heard, most=0.35, what="what was heard", **options):
    likeness = audio.likeness(said, heard, **options)
    assert likeness.best <= most, f"{what} has what it should not: expected {most} or less, found {likeness}"


def run(names=(), part=0, parts=1):
    """Runs the tests whose name has one of `names` in it, and of those every `parts`-th. The exit status."""
    def overdue(*_):
        raise Overdue("its deadline has passed")

    def stopped(*_):
        raise KeyboardInterrupt
    signal.signal(signal.SIGALRM, overdue)
    signal.signal(signal.SIGTERM, stopped)
    e2e, passed, failed = EndToEnd(), 0, []
    begun = time.monotonic()
    chosen = [row for row in TESTS if not names or any(name in row[0] for name in names)]
    chosen = chosen[part::parts]
    if not chosen:
        print("0 passed, 0 failed")
        return 0
    try:
        e2e.system  # noqa: B018: without one there is nothing to test
        for name, deadline, function in chosen:
            at, problem, skipped = time.monotonic(), "", ""
            try:
                signal.alarm(deadline + 20)
                e2e.system  # noqa: B018: started anew when the last test ended it
                signal.alarm(deadline)
                function(e2e)
            except KeyboardInterrupt:
                raise
            except Skipped as error:
                skipped = str(error)
            except Overdue as error:
                where = traceback.extract_tb(error.__traceback__)
                line = next((f"{f.filename.rsplit('/', 1)[-1]}:{f.lineno}: {f.line}" for f in reversed(where)
                             if f.name == function.__name__), "")
                problem = f"not done after {deadline} s, at {line}"
            except AssertionError as error:
                problem = str(error) or traceback.format_exc()
            except BaseException:  # noqa: BLE001
                problem = traceback.format_exc()
            signal.alarm(0)
            if problem and e2e.shared is not None:
                problem += f"\n--- the server's last lines:\n{(e2e.own or [e2e.shared])[-1].tail(12)}"
                problem += (e2e.own or [e2e.shared])[-1].kamailio_errors()
            for wrong in e2e.after():
                problem += f"\n{wrong}"
            text = (f"[{time.monotonic() - begun:5.1f} s] {'FAILED' if problem else 'skipped' if skipped else 'passed'} {name.replace('_', ' ')} "
                    f"({time.monotonic() - at:.1f} s)")
            if problem:
                failed.append(name)
                text += "\n    " + problem.strip().replace("\n", "\n    ")
            elif skipped:
                text += f": {skipped}"
            else:
                passed += 1
            print(text, flush=True)
    finally:
        signal.alarm(0)
        e2e.after()
        left = e2e.end()
    if left:
        failed.append("the end")
        print("FAILED the end:\n    " + "\n    ".join(left))
    if failed and parts > 1:
        print(f"failed: {', '.join(failed)}")
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed else 0
