"""A SIP caller under a test's own hand: its offer is the test's, the answer and every RTP packet that comes are kept.

    with Caller(system, "1001") as caller: answer = caller.call("7001", "96", "a=rtpmap:96 opus/48000/2\\r\\n…")
    packets = caller.listen(1.0)                      (payload type, sequence, timestamp, payload)
"""
import os
import re
import socket
import struct
import time

from closes import Closes
from lamp import credentials


class Caller(Closes):
    def __init__(self, system, user):
        self.user, self.password = user, system.accounts()[user]["password"]
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.connect(("127.0.0.1", system.sip_port))
        self.media = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.media.bind(("127.0.0.1", 0))
        self.here = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.there = f"127.0.0.1:{system.sip_port}"
        self.dialog = None  # (request URI, From, To, routes, Call-ID)

    def _send(self, method, uri, from_, to, call_id, cseq, body="", more=""):
        self.socket.send((f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {self.here};branch=z9hG4bK{os.urandom(6).hex()};rport\r\n"
                          f"From: {from_}\r\nTo: {to}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} {method}\r\n"
                          f"Contact: <sip:{self.user}@{self.here}>\r\nMax-Forwards: 70\r\n{more}"
                          f"{'Content-Type: application/sdp' + chr(13) + chr(10) if body else ''}"
                          f"Content-Length: {len(body)}\r\n\r\n{body}").encode())

    def _final(self, seconds=8):
        deadline = time.monotonic() + seconds
        self.socket.settimeout(seconds)
        while time.monotonic() < deadline:
            message = self.socket.recv(65536).decode("utf-8", "replace")
            if re.match(r"SIP/2.0 [2-6]", message):
                return message
        raise AssertionError(f"no answer to {self.user} within {seconds} s")

    def call(self, number, formats, lines=""):
        """(status, SDP of the answer); it is acknowledged."""
        uri, call_id, tag = f"sip:{number}@{self.there}", os.urandom(8).hex(), os.urandom(4).hex()
        from_, to = f"<sip:{self.user}@{self.there}>;tag={tag}", f"<{uri}>"
        body = (f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                f"m=audio {self.media.getsockname()[1]} RTP/AVP {formats}\r\n{lines}")
        proof = ""
        for cseq in (1, 2):
            self._send("INVITE", uri, from_, to, call_id, cseq, body, proof)
            answer = self._final()
            status = int(answer.split()[1])
            answered_to = re.search(r"(?im)^to:\s*([^\r]*)", answer)[1]
            if status < 300:
                break
            self._send("ACK", uri, from_, answered_to, call_id, cseq)
            if status not in (401, 407):
                return status, ""
            proof = credentials(answer, "INVITE", uri, self.user, self.password)
        contact = re.search(r"(?im)^contact:\s*<([^>]*)>", answer)[1]
        routes = "".join(f"Route: {one}\r\n" for one in reversed(re.findall(r"(?im)^record-route:\s*([^\r]*)", answer)))
        self.dialog = (contact, from_, answered_to, routes, call_id, cseq)
        self._send("ACK", contact, from_, answered_to, call_id, cseq, more=routes)
        return status, answer.split("\r\n\r\n", 1)[1]

    def send(self, payload_type, sequence, stamp, payload, to_port):
        self.media.sendto(struct.pack("!BBHII", 0x80, payload_type, sequence & 0xFFFF, stamp & 0xFFFFFFFF, 77) + payload,
                          ("127.0.0.1", to_port))

    def listen(self, seconds):
        packets, deadline = [], time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.media.settimeout(left)
            try:
                packet = self.media.recv(2048)
            except OSError:
                break
            if len(packet) > 12 and not 64 <= packet[1] & 0x7F < 96:  # no RTCP
                packets.append((packet[1] & 0x7F, *struct.unpack("!HI", packet[2:8]), packet[12:]))
        return packets

    def hangup(self):
        if self.dialog is None:
            return
        contact, from_, to, routes, call_id, cseq = self.dialog
        self.dialog = None
        self._send("BYE", contact, from_, to, call_id, cseq + 1, more=routes)
        self._final()

    def close(self):
        try:
            self.hangup()
        except (OSError, AssertionError):
            pass
        self.socket.close()
        self.media.close()
