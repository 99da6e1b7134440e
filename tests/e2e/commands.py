"""The command for a fresh machine, scripts/run, on an address that other machines could reach."""
import json
import os
import signal
import socket
import subprocess
import time

from phone import Phone
from suite import check_like, heard_by, test
from system import ROOT, Skipped, binary, free_port, processes_of


def own_address():
    """An address of this machine that is not loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
            address = probe.getsockname()[0]
        except OSError:
            address = "127.0.0.1"
    if address.startswith("127."):
        raise Skipped("this machine has no address but loopback")
    return address


@test(deadline=60)
def scripts_run_serves_phones_on_an_address_of_the_lan_and_ctrl_c_ends_all_of_it(e2e):
    address = own_address()
    folder = f"{e2e.system.folder}/run"
    port, api = free_port(5600 + os.getpid() % 100 * 3, host=address), free_port(18480 + os.getpid() % 100)
    command = ["scripts/run", "--no-install", "--no-build", "--address", address, "--state", folder, "--port", str(port),
               "--api", f"127.0.0.1:{api}"]
    log = f"{e2e.system.folder}/run.log"
    with open(log, "wb") as out:
        running = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "TANDEM_BINARY": binary()}, stdout=out,
                                   stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)
    phones = []
    try:
        said = read_until(running, log, "Ctrl-C ends everything", 30)
        with open(f"{folder}/accounts.json") as file:
            accounts = {one["user"]: one for one in json.load(file)["accounts"]}
        token = open(f"{folder}/api-token").read().strip()
        for what in (f"{address}:{port}", token, "5000", "*97", "*43", accounts["1001"]["password"], accounts["1003"]["pin"]):
            assert what in said, f"scripts/run did not print {what}:\n{said}"
        with socket.socket() as probe:
            assert probe.connect_ex((address, api)) != 0, "the API listens on the LAN's address"
        said_a, file_a = e2e.voice(81, 5)
        said_b, file_b = e2e.voice(82, 5)
        for user, file, answer in (("1002", file_b, "auto"), ("1001", file_a, "manual")):
            phones.append(Phone(user, accounts[user]["password"], f"{address}:{port}", say=file, answer=answer))
        b, a = phones
        a.dial("1002")
        a.wait("CALL_ESTABLISHED")
        b.wait("CALL_ESTABLISHED")
        a.pause(3.5)
        a.hangup()
        b.wait("CALL_CLOSED")
        check_like(said_a, heard_by(b), windows=3, begin=0.7, end=2.5, what="what the callee heard")
        check_like(said_b, heard_by(a), windows=3, begin=0.7, end=2.5, what="what the caller heard")
        # the phone without a phone takes the same address
        call = subprocess.run(["scripts/call", "5000", "--state", folder, "--proxy", f"{address}:{port}", "--seconds", "2"],
                              cwd=ROOT, capture_output=True, text=True, timeout=20)
        assert call.returncode == 0 and "answered" in call.stdout, call.stdout + call.stderr
        running.send_signal(signal.SIGINT)  # Ctrl-C
        assert running.wait(15) == 0, f"scripts/run ended with {running.returncode}"
        left = processes_of(folder)
        assert not left, f"left over: {left}"
    finally:
        for phone in phones:
            phone.close()
        if running.poll() is None:
            running.terminate()
            running.wait(15)


def read_until(process, path, text, seconds):
    """What a program has printed, once `text` is in it."""
    deadline = time.monotonic() + seconds
    while True:
        with open(path, errors="replace") as file:
            said = file.read()
        if text in said:
            return said
        assert process.poll() is None and time.monotonic() < deadline, f"expected {text!r}, found:\n{said[-2000:]}"
        time.sleep(0.05)


@test(deadline=20)
def check_names_each_wrong_key_of_the_plugins_with_its_line(e2e):
    path = f"{e2e.system.folder}/wrong.toml"
    with open(path, "w") as out:
        out.write('[plugin.http]\nmax_body = 3\ntokns = []\n[plugin.kamailio]\nport = 99999\nadress = "127.0.0.1"\n'
                  '[plugin.lua]\nmemory_kb = "much"\n[plugin.store]\ndurable = 1\n[plugin.tts]\ncache_bytes = -1\n'
                  '[plugin.opus]\ncomplexity = 11\n[plugin.nobody]\nx = 1\n')
    told = subprocess.run([binary(), "check", path], capture_output=True, text=True)
    lines = told.stderr.splitlines()
    for place in ("2:12: plugin.http.max_body", "3:9: plugin.http.tokns", "5:8: plugin.kamailio.port",
                  "6:10: plugin.kamailio.adress", "8:13: plugin.lua.memory_kb", "10:11: plugin.store.durable",
                  "12:15: plugin.tts.cache_bytes", "14:14: plugin.opus.complexity", "15:1: plugin.nobody"):
        found = [line for line in lines if line.startswith(f"{path}:{place}: expected ") and ", found " in line]
        assert len(found) == 1, f"expected one line {place}, found:\n{told.stderr}"
    assert told.returncode == 3 and lines[-1] == "9 errors", told.stderr
    good = subprocess.run([binary(), "check", e2e.system.config], capture_output=True, text=True)
    assert good.returncode == 0 and "no errors" in good.stdout, good.stdout + good.stderr
