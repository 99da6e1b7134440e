"""Tandem's API for tests: JSON-RPC over HTTP, and events over a WebSocket of our own (RFC 6455, client side).

    api.call("call.originate", to="1001", app="speaker")      → result, or ApiError
    with api.events() as events: events.wait("leg.digit", leg=…)
"""
import base64
import hashlib
import http.client
import itertools
import json
import os
import socket
import struct
import time

from closes import Closes


class ApiError(Exception):
    """A command was refused; code is the API's word for it (not_found, invalid, …)."""

    def __init__(self, method, error):
        self.code = (error.get("data") or {}).get("code", str(error.get("code")))
        super().__init__(f"{method}: {error.get('message')} ({self.code})")


class Api:
    def __init__(self, port, token):
        self.port, self.token = port, token
        self.ids = itertools.count(1)

    def get(self, path, token=None):
        """(status, body text)"""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        link.request("GET", path, headers={"Authorization": f"Bearer {self.token if token is None else token}"})
        answer = link.getresponse()
        body = answer.read().decode("utf-8", "replace")
        link.close()
        return answer.status, body

    def post(self, text, token=None):
        """(status, body text) of a raw body at /rpc."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        link.request("POST", "/rpc", text, {"Authorization": f"Bearer {self.token if token is None else token}",
                                            "Content-Type": "application/json"})
        answer = link.getresponse()
        body = answer.read().decode("utf-8", "replace")
        link.close()
        return answer.status, body

    def call(self, method, **params):
        status, body = self.post(json.dumps({"jsonrpc": "2.0", "id": next(self.ids), "method": method,
                                             "params": params}))
        if status != 200:
            raise ApiError(method, {"message": f"HTTP {status}: {body[:300]}"})
        answer = json.loads(body)
        if "error" in answer:
            raise ApiError(method, answer["error"])
        return answer["result"]

    def events(self, since=None, **filters):
        return Events(self.port, self.token, since, filters)

    def metric(self, name, **labels):
        """The sum of a metric's samples that carry these labels; None when there is none."""
        status, body = self.get("/metrics")
        if status != 200:
            raise ApiError("/metrics", {"message": f"HTTP {status}"})
        total = None
        for line in body.splitlines():
            head, _, value = line.rpartition(" ")
            if line.startswith("#") or head.partition("{")[0] != name:
                continue
            if all(f'{key}="{wanted}"' in head for key, wanted in labels.items()):
                total = (total or 0.0) + float(value)
        return total


class WebSocket:
    """The client's side of one WebSocket: text messages."""

    def __init__(self, port, path="/", headers=()):
        self.buffer = b""
        self.socket = socket.create_connection(("127.0.0.1", port), 5)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket", "Connection: Upgrade",
                 f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", *headers]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        while b"\r\n\r\n" not in self.buffer:
            self._more(5)
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        expected = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
        if b" 101 " not in head.split(b"\r\n")[0] or expected not in head:
            raise ApiError(path, {"message": f"expected 101 and the key's answer, found {head[:300]!r}"})

    def send(self, payload, opcode=1):
        mask = os.urandom(4)
        size = len(payload)
        head = bytes([0x80 | opcode]) + (bytes([0x80 | size]) if size < 126 else
                                         bytes([0xFE]) + struct.pack("!H", size) if size < 65536 else
                                         bytes([0xFF]) + struct.pack("!Q", size))
        self.socket.sendall(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload)))

    def _more(self, seconds):
        self.socket.settimeout(max(seconds, 0.01))
        data = self.socket.recv(262144)
        if not data:
            raise ApiError("websocket", {"message": "the WebSocket was closed"})
        self.buffer += data

    def _frame(self):
        """One whole frame of the buffer, or None."""
        data = self.buffer
        if len(data) < 2:
            return None
        size, at = data[1] & 0x7F, 2
        if size == 126:
            if len(data) < 4:
                return None
            size, at = struct.unpack("!H", data[2:4])[0], 4
        elif size == 127:
            if len(data) < 10:
                return None
            size, at = struct.unpack("!Q", data[2:10])[0], 10
        if len(data) < at + size:
            return None
        self.buffer = data[at + size:]
        return data[0] & 0x0F, data[at:at + size]

    def receive(self, seconds=0.0):
        """The messages that came, waiting for the first at most so long."""
        messages = []
        try:
            self._more(seconds)
        except (TimeoutError, socket.timeout):
            pass
        while (frame := self._frame()) is not None:
            opcode, payload = frame
            if opcode == 9:
                self.send(payload, 10)
            elif opcode in (1, 2):
                messages.append(payload)
        return messages

    def close(self):
        try:
            self.send(struct.pack("!H", 1000), 8)
        except OSError:
            pass
        self.socket.close()


class Events(Closes):
    """A WebSocket with one subscription. Keeps every event it got in `seen`."""

    def __init__(self, port, token, since=None, filters=None):
        self.seen, self.at = [], 0
        self.socket = WebSocket(port, "/ws", [f"Authorization: Bearer {token}"])
        params = {"filter": filters or {}}
        if since is not None:
            params["since"] = since
        self.answers = {}
        self.request("events.subscribe", params)

    def request(self, method, params, seconds=5):
        """A command over the WebSocket."""
        number = len(self.answers) + 1
        self.socket.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode())
        deadline = time.monotonic() + seconds
        while number not in self.answers:
            if time.monotonic() > deadline:
                raise ApiError(method, {"message": f"no answer over the WebSocket within {seconds} s"})
            self.poll(0.1)
        answer = self.answers[number]
        if "error" in answer:
            raise ApiError(method, answer["error"])
        return answer["result"]

    def poll(self, seconds=0.0):
        for payload in self.socket.receive(seconds):
            message = json.loads(payload)
            if "id" in message and "method" not in message:
                self.answers[message["id"]] = message
            else:
                self.seen.append(message["params"])

    def wait(self, kind, seconds=10, **fields):
        """The next event of this kind with these fields; what came before it is passed over."""
        deadline = time.monotonic() + seconds
        while True:
            while self.at < len(self.seen):
                event = self.seen[self.at]
                self.at += 1
                if event["event"] == kind and all(event.get(k) == v for k, v in fields.items()):
                    return event
            if time.monotonic() > deadline:
                last = ", ".join(e["event"] for e in self.seen[-8:]) or "nothing"
                raise AssertionError(f"expected the event {kind} {fields or ''} within {seconds} s, saw {last}")
            self.poll(0.1)

    def all(self, kind, seconds=0.0, **fields):
        """Every event of this kind so far, after waiting so long."""
        deadline = time.monotonic() + seconds
        self.poll()
        while time.monotonic() < deadline:
            self.poll(0.1)
        return [e for e in self.seen if e["event"] == kind and all(e.get(k) == v for k, v in fields.items())]

    def close(self):
        self.socket.close()
