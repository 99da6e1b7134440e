"""The load generator: short runs against what is really there, and what it says when it is not."""
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from suite import ROUTES, test
from system import ROOT, Skipped, binary, free_port


JANUS = {  # its configuration: the AudioBridge and HTTP only
    "janus": """general: { configs_folder = "FOLDER" debug_level = 2
  plugins_folder = "/usr/lib/x86_64-linux-gnu/janus/plugins" transports_folder = "/usr/lib/x86_64-linux-gnu/janus/transports" }
plugins: { disable = "libjanus_duktape.so,libjanus_echotest.so,libjanus_lua.so,libjanus_nosip.so,libjanus_recordplay.so,libjanus_sip.so,libjanus_streaming.so,libjanus_textroom.so,libjanus_videocall.so,libjanus_videoroom.so,libjanus_voicemail.so" }
transports: { disable = "libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so,libjanus_rabbitmq.so,libjanus_websockets.so" }
""",
    "janus.transport.http": 'general: { json = "compact" base_path = "/janus" http = true port = PORT ip = "127.0.0.1" https = false }\n',
    "janus.plugin.audiobridge": 'general: { rtp_port_range = "34000-34999" local_ip = "127.0.0.1" }\n',
}


def bench(*words, seconds=60):
    """(exit status, what was said, the JSON report) of one run, which leaves no file behind."""
    with tempfile.NamedTemporaryFile(suffix=".json") as out, tempfile.TemporaryDirectory() as scratch:
        done = subprocess.run([binary(), "bench", "--quiet", "--json", out.name, *words], capture_output=True, text=True, timeout=seconds,
                              env={**os.environ, "TMPDIR": scratch})
        text, left = out.read(), os.listdir(scratch)
    assert not left, f"{left} left behind: {done.stderr}"
    return done.returncode, done.stdout + done.stderr, json.loads(text) if text else None


def check_verified(report, said, legs):
    """Every leg heard its partner and nothing else; lateness is this machine's affair."""
    assert report, said
    sound = report["sound"]
    assert sound["legs"] == legs and sound["deaf_legs"] == 0 and sound["wrong"] == 0, said
    assert report["calls"]["failed"] == 0, said


@test(deadline=40)
def bench_verifies_the_media_engine(e2e):
    for profile in ("relay", "transcode", "play"):
        status, said, report = bench(profile, "--legs", "20", "--seconds", "2")
        check_verified(report, said, 20)
        assert report["packets"]["lost"] == 0 and status in (0, 1, 5), said
        assert report["server_cost"]["cpu_percent"] is not None, said


@test(deadline=30)
def a_swap_of_two_legs_for_200_ms_is_found_through_gsm_and_nothing_where_there_is_none(e2e):
    """GSM damages tones the most. Through the codec alone: the server's share is judged by the other tests."""
    done = subprocess.run([binary(), "bench", "--swaps-found", "GSM", "--legs", "40"], capture_output=True, text=True, timeout=25)
    assert done.returncode == 0, done.stderr
    rows = {row["ms"]: row for row in json.loads(done.stdout)["swaps"]}
    assert rows[0]["planted"] == 40 and rows[0]["tones"] > 2000 and rows[0]["hurt"] == 0, done.stdout
    assert rows[200]["planted"] == rows[200]["told"] == 20, done.stdout


@test(deadline=30)
def bench_runs_the_same_twice_and_judges_whether_the_runs_agree(e2e):
    """The judging is what is judged: how far short runs lie apart on a machine with other work is not."""
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as profile:
        profile.write('name = "twice"\nlegs = 20\nrate = 1000\nwarm_s = 0.3\nseconds = 1\n[call]\ncodec = "PCMU"\n')
        profile.flush()
        status, said, series = bench(profile.name, "--repeat", "2", "--noise", "0")
    told = dict((line[11:].split(":")[0], line.split()[0]) for line in said.splitlines() if line.startswith(("agrees ", "DIFFERS ")))
    assert len(told) == 9 and "run 1: " in said and "run 2: " in said, said
    # No two runs cost the same to the nanosecond; both lose nothing.
    assert told["server's CPU a leg"] == told["generator's CPU a leg"] == "DIFFERS" and told["lost packets"] == "agrees", said
    assert status in (1, 5), said
    assert [run["run"]["name"] for run in series["runs"]] == ["run 1", "run 2"] and not series["agreement"]["agree"], series
    for run in series["runs"]:
        check_verified(run, said, 20)


@test(deadline=60)
def bench_of_two_servers_reports_every_run_and_serves_as_a_baseline(e2e):
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/p.toml", "w") as file:
            file.write('name = "pair"\nlegs = 10\nrate = 1000\nwarm_s = 0.3\nseconds = 1\n[call]\ncodec = "PCMU"\n')
        _, said, series = bench(f"{folder}/p.toml", "--server", "engine", "--against", "engine", "--rounds", "2", "--csv", f"{folder}/r",
                                "--password", "geheim", "--peer-password=geheim")
        assert series, said
        assert [(run["run"]["side"], run["run"]["round"], run["run"]["load"]) for run in series["runs"]] == [("A", 1, 10), ("B", 1, 10), ("B", 2, 10), ("A", 2, 10)]
        assert len(series["ratios"][0]["pairs"]) == 2 and series["ratios"][0]["median"] > 0, series["ratios"]
        assert "geheim" not in json.dumps(series) and "--peer-password=..." in series["command"], series["command"]
        with open(f"{folder}/r-legs.csv") as file:
            assert sorted({line.split(",")[0] for line in file}) == ["A 1", "A 2", "B 1", "B 2", "run"]
        with open(f"{folder}/before.json", "w") as file:
            json.dump(series, file)
        _, said, report = bench(f"{folder}/p.toml", "--baseline", f"{folder}/before.json", "--noise", "1000", "--legs", "4")
        assert "no worse than" in said and "it was taken with 10 legs" in said, said


@test(deadline=30)
def bench_refuses_at_once_what_it_could_not_write_after_hours(e2e):
    for words in (["--json", "/no/such/folder/r.json"], ["--html", "/tmp"], ["--csv", "/no/such/folder/r"]):
        done = subprocess.run([binary(), "bench", "relay", "--seconds", "60", *words], capture_output=True, text=True, timeout=10)
        assert done.returncode == 2 and "cannot be written" in done.stderr, done.stderr


@test(deadline=30)
def bench_tells_a_bad_network_from_a_bad_server_through_srtp(e2e):
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as profile:
        profile.write('name = "bad network"\n[call]\nsrtp = "both"\n'
                      "[call.impairment]\nloss_percent = 3\nburst_packets = 2\njitter_ms = 3\nreorder_percent = 1\nduplicate_percent = 1\n")
        profile.flush()
        _, said, report = bench(profile.name, "--legs", "20", "--seconds", "2", "--rate", "1000")
    check_verified(report, said, 20)
    packets = report["packets"]
    assert packets["lost"] == 0 and packets["reordered"] > 0 and 0.9 < packets["received"] / (20 * 50 * 2) < 1, said


@contextlib.contextmanager
def rtpengine(seconds=15):
    """A running Debian rtpengine; gives its ng port once it answers there. A busy machine lets it take its time."""
    if not shutil.which("rtpengine"):
        raise Skipped("rtpengine is not installed")
    port = free_port(22300)
    with tempfile.TemporaryDirectory() as folder, open(f"{folder}/log", "w+") as log, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asks:
        server = subprocess.Popen(["rtpengine", "--config-file=none", "--table=-1", "--interface=127.0.0.1", f"--listen-ng=127.0.0.1:{port}",
                                   "--foreground", "--port-min=33000", "--port-max=33999", "--log-level=3", f"--pidfile={folder}/pid"],
                                  stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        asks.settimeout(0.2)
        asks.connect(("127.0.0.1", port))
        begun, answer = time.monotonic(), b""
        try:
            while b"pong" not in answer:
                try:
                    asks.send(b"%d d7:command4:pinge" % time.monotonic_ns())
                    answer = asks.recv(2000)
                except OSError:
                    time.sleep(0.1)
                if server.poll() is not None or time.monotonic() > begun + seconds:
                    log.seek(0)
                    raise AssertionError(f"rtpengine does not answer at {port} (exit status {server.returncode}): {log.read()[-2000:]}")
            yield port
        finally:
            server.terminate()
            server.wait(10)


@test(deadline=60)
def bench_verifies_rtpengine_by_the_ng_protocol(e2e):
    with rtpengine() as port:
        for profile in ("relay", "transcode"):
            _, said, report = bench(profile, "--server", f"ng:127.0.0.1:{port}", "--legs", "10", "--seconds", "2")
            check_verified(report, said, 10)


@test(deadline=90)
def bench_ng_compares_tandem_with_rtpengine(e2e):
    """The shipped matrix, one small point of it: servers started, driven, verified, told as a table and ratios."""
    if not shutil.which("rtpengine"):
        raise Skipped("rtpengine is not installed")
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        done = subprocess.run([f"{ROOT}/scripts/bench-ng", "--binary", binary(), "--work", "relay,srtp", "--calls", "5", "--seconds", "1",
                               "--servers", "rtpengine,tick", "--json", out.name], capture_output=True, text=True, timeout=80)
        runs = json.load(out)
    assert done.returncode in (0, 1) and "| relay PCMU | 5 | Tandem, on tick |" in done.stdout and "of rtpengine" in done.stdout, done.stdout + done.stderr
    assert len(runs) == 4, done.stdout
    for run in runs:
        for report in run["runs"]:
            check_verified(report, done.stdout, 10)
            assert report["packets"]["lost"] == 0, done.stdout


@test(deadline=60)
def bench_hears_itself_through_the_proxy_and_the_echo(e2e):
    quiet = ROUTES.replace('app = "echo"', "app = \"echo\"\nargs = '{\"announce\": false}'")
    system = e2e.fresh(top=quiet)
    status, said, report = bench("sip-echo", "--server", f"sip:127.0.0.1:{system.sip_port}", "--password", system.accounts()["1001"]["password"],
                                 "--pid", str(system.process.pid), "--legs", "10", "--seconds", "6")
    assert report and report["calls"]["failed"] == 0 and report["sound"]["deaf_legs"] == 0, said
    assert report["sound"]["legs"] >= 10 and report["sound"]["wrong"] == 0, said
    status, said, _ = bench("sip-echo", "--server", f"sip:127.0.0.1:{system.sip_port}", "--password", "wrong", "--legs", "4", "--seconds", "2")
    assert status == 1 and "the server refused: 40" in said, said


@test(deadline=60)
def bench_calls_from_phone_to_phone_through_the_proxy(e2e):
    system = e2e.fresh()
    accounts = system.accounts()
    words = ["sip-phones", "--server", f"sip:127.0.0.1:{system.sip_port}", "--password", accounts["1001"]["password"], "--peer", "1002",
             "--pid", str(system.process.pid), "--legs", "10", "--seconds", "5"]
    status, said, report = bench(*words, "--peer-password", accounts["1002"]["password"])
    check_verified(report, said, report["sound"]["legs"])
    assert report["sound"]["legs"] >= 10 and report["packets"]["lost"] == 0 and report["sound"]["hurt_legs"] == 0, said
    assert report["calls"]["placed"] >= 5 and report["keys"]["right"] > 0, said
    status, said, _ = bench(*words, "--peer-password", "wrong")
    assert status == 1 and "1002 is not registered: the server refused: 40" in said, said


@test(deadline=80)
def bench_waits_in_a_queue_and_is_served_in_order(e2e):
    system = e2e.fresh(top=ROUTES + """
[plugin.lua.settings.queues.support]
agents = ["1002", "1003"]
strategy = "linear"
music = "music"
[[route]]
number = "7000"
app = "queue"
args = "support"
""", server='guest_tenant = "demo"', kamailio='trusted = ["127.0.0.0/8"]')
    words = ["sip-queue", "--server", f"sip:127.0.0.1:{system.sip_port}", "--pid", str(system.process.pid), "--legs", "12", "--seconds", "14"]
    status, said, report = bench(*words, "--agents", f"{system.state}/accounts.json")
    check_verified(report, said, report["sound"]["legs"])
    queue = report["queue"]
    assert queue["agents"] == 2 and queue["served"] >= 4 and queue["out_of_turn"] == 0, said
    assert queue["music_heard_by"] >= 4 and queue["music_hurt"] == 0 and report["sound"]["hurt_legs"] == 0, said
    assert 6 <= report["legs"] <= 8, report["legs"]  # two pairs, and who waits
    assert queue["wait"]["p50_ms"] > 1000 and queue["agents_busy_percent"] > 20, said
    status, said, _ = bench(*words)
    assert status == 1 and "a queue needs agents" in said, said


@test(deadline=80)
def bench_runs_a_mixed_day_through_the_proxy(e2e):
    system = e2e.fresh(top=ROUTES + """
[plugin.lua.settings.queues.support]
agents = ["1003"]
music = "music"
[[route]]
number = "7000"
app = "queue"
args = "support"
""")
    password = {user: row["password"] for user, row in system.accounts().items()}
    status, said, report = bench("sip-mixed-day", "--server", f"sip:127.0.0.1:{system.sip_port}", "--pid", str(system.process.pid), "--legs", "18",
                                 "--seconds", "15", "--password", password["1001"], "--peer", "1002", "--peer-password", password["1002"],
                                 "--agents", f"{system.state}/accounts.json")
    assert report and report["calls"]["failed"] == 0, said
    parts = {}
    for leg in report["each_leg"]:
        parts.setdefault(leg["part"], []).append(leg)
    assert set(parts) == {"inside", "queue", "menu", "message"}, said
    assert report["queue"]["served"] >= 1 and report["queue"]["agents"] == 1 and report["queue"]["out_of_turn"] == 0, said
    assert report["sound"]["hurt_legs"] == 0 and report["sound"]["deaf_legs"] == 0, said
    assert sum(leg["keys_right"] for leg in parts["inside"]) > 0 and not sum(leg["lost"] for legs in parts.values() for leg in legs), said


@test(deadline=80)
def bench_leaves_messages_that_hold_the_callers_sound(e2e):
    system = e2e.fresh()
    status, said, report = bench("sip-voicemail", "--server", f"sip:127.0.0.1:{system.sip_port}", "--password", system.accounts()["1001"]["password"],
                                 "--legs", "4", "--seconds", "18", "--recordings", f"{system.state}/recordings")
    assert report and report["calls"]["failed"] == 0, said
    found = next(v["measured"] for v in report["objective"] if v["what"] == "recordings")
    legs, whole, damaged, symbols, strangers = map(int, re.fullmatch(
        r"(\d+) of (\d+) legs, \d+ s, (\d+) of (\d+) symbols damaged, \d+ slips, (\d+) files of nobody", found).groups())
    # Whole on a quiet machine; what a late packet tears here, beside other tests, is the generator's doing.
    assert legs == whole == 4 and strangers == 0 and symbols > 400 and damaged < symbols / 10, said


@test(deadline=20)
def bench_says_who_does_not_answer(e2e):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        status, said, _ = bench("relay", "--server", f"ng:127.0.0.1:{deaf.getsockname()[1]}")
    assert status == 4 and "no ng server answers" in said, said
    status, said, _ = bench("no-such-profile")
    assert status == 3 and "relay" in said, said


@contextlib.contextmanager
def ng_server_that_keeps_calls():
    """Takes every call, carries no packet and never answers a delete; gives its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind(("127.0.0.1", 0))

        def serve():
            ports = iter(range(30000, 33000, 2))
            while True:
                asked, asker = door.recvfrom(65536)
                if not asked:
                    return
                cookie = asked.split(b" ")[0]
                if b"7:command4:ping" in asked:
                    door.sendto(cookie + b" d6:result4:ponge", asker)
                elif b"7:command6:delete" not in asked:
                    sdp = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %d RTP/AVP 0\r\n" % next(ports)
                    door.sendto(cookie + b" d6:result2:ok3:sdp%d:%se" % (len(sdp), sdp), asker)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield door.getsockname()[1]
        door.sendto(b"", door.getsockname())  # ends it
        thread.join(5)


@test(deadline=60)
def bench_tells_servers_that_die_or_keep_calls(e2e):
    run = subprocess.Popen([binary(), "bench", "relay", "--legs", "4", "--seconds", "4", "--quiet"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    time.sleep(3.5)
    with open(f"/proc/{run.pid}/task/{run.pid}/children") as children:
        os.kill(int(children.read().split()[0]), signal.SIGKILL)
    said, _ = run.communicate(timeout=20)
    assert run.returncode == 1 and "FAILS      server: its process ended during the run" in said, said
    assert "at hang-up: the media engine answers no more" in said and re.search(r"found +leg \d \(calls\): no packet for [\d.]+ s; \d+ packets lost", said), said
    with ng_server_that_keeps_calls() as port:
        status, said, report = bench("relay", "--server", f"ng:127.0.0.1:{port}", "--legs", "4", "--seconds", "1")
    assert status == 1 and report["calls"]["reasons"] == {"at hang-up: no answer from the ng server within 3 s": 2}, said
    assert "FAILS      delay p99: not known: no marked packet came" in said, said


@test(deadline=30)
def bench_refuses_a_baseline_of_another_profile_before_it_runs(e2e):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as baseline:
        baseline.write('{"format": "tandem.bench/1", "profile": "transcode"}')
        baseline.flush()
        done = subprocess.run([binary(), "bench", "relay", "--seconds", "60", "--baseline", baseline.name], capture_output=True, text=True, timeout=10)
    assert done.returncode == 2 and "expected a report of the profile relay, found one of transcode" in done.stderr, done.stderr


@test(deadline=30)
def bench_ends_every_call_on_ctrl_c_and_still_reports(e2e):
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.Popen([binary(), "bench", "relay", "--legs", "20", "--seconds", "600", "--quiet", "--json", f"{folder}/r.json",
                                "--csv", f"{folder}/r", "--html", f"{folder}/r.html"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        time.sleep(4)
        run.send_signal(signal.SIGINT)
        said, _ = run.communicate(timeout=15)
        with open(f"{folder}/r.json") as file:
            report = json.load(file)
        assert report["interrupted"] and report["packets"]["lost"] == 0, said
        check_verified(report, said, 20)
        assert os.path.getsize(f"{folder}/r.html") > 5000 and os.path.getsize(f"{folder}/r-legs.csv") > 500


@test(deadline=90)
def bench_verifies_rooms_at_janus_and_compares_calls_of_two(e2e):
    if not shutil.which("janus"):
        raise Skipped("janus is not installed")
    port = free_port(18088)
    with tempfile.TemporaryDirectory() as folder, open(f"{folder}/log", "wb") as log:
        for name, text in JANUS.items():
            with open(f"{folder}/{name}.jcfg", "w") as file:
                file.write(text.replace("FOLDER", folder).replace("PORT", str(port)))
        server = subprocess.Popen(["janus", "-F", folder, "-o"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            for _ in range(100):
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    time.sleep(0.1)
            _, said, report = bench("conference-many-small", "--server", f"janus:127.0.0.1:{port}", "--legs", "8", "--seconds", "5")
            check_verified(report, said, 8)
            assert "others were not heard" not in said and "in its own turns" not in said, said
            assert 20 < report["delay"]["p50_ms"] < 400, said
            status, said, _ = bench("two-party", "--server", "engine", "--against", f"janus:127.0.0.1:{port}", "--rounds", "1", "--legs", "4", "--seconds", "2")
            assert re.search(r"pair 1: A / B: CPU a leg \d", said) and "Janus 1" in said, said
        finally:
            server.terminate()
            server.wait(10)
    status, said, _ = bench("conference-many-small", "--legs", "8")
    assert status == 1 and "Tandem has none yet" in said, said
