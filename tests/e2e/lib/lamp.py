"""A phone's message-waiting lamp: a subscription to message-summary (RFC 3842), and what the NOTIFYs say.

    with Lamp(system, "1002") as lamp: lamp.wait("1/0")            new/old messages

baresip has one too, but version 1.0 now and then subscribes without end; so this one subscribes itself.
"""
import hashlib
import os
import re
import socket
import time

from closes import Closes


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def credentials(challenge, method, uri, user, password):
    """The header that answers a 401 or 407 (RFC 2617, qop auth)."""
    name, values = re.search(r"(WWW|Proxy)-Authenticate: Digest ([^\r]*)", challenge).groups()
    values = dict(re.findall(r'(\w+)="([^"]*)"', values))
    secret = md5(f"{user}:{values['realm']}:{password}")
    answer = md5(f"{secret}:{values['nonce']}:00000001:abcd:auth:{md5(method + ':' + uri)}")
    return (f"{'Authorization' if name == 'WWW' else 'Proxy-Authorization'}: Digest username=\"{user}\", "
            f'realm="{values["realm"]}", nonce="{values["nonce"]}", uri="{uri}", qop=auth, nc=00000001, '
            f'cnonce="abcd", response="{answer}", algorithm=MD5\r\n')


class Lamp(Closes):
    def __init__(self, system, user, seconds=5):
        self.user, self.password = user, system.accounts()[user]["password"]
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.connect(("127.0.0.1", system.sip_port))
        self.here = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.there = f"127.0.0.1:{system.sip_port}"
        self.call_id, self.tag, self.seen = os.urandom(8).hex(), os.urandom(4).hex(), []
        self.challenge, self.subscribed = None, False
        self._subscribe(1)
        deadline = time.monotonic() + seconds
        while not self.subscribed:
            self.poll(0.1)
            if time.monotonic() > deadline:
                self.close()
                raise AssertionError(f"SUBSCRIBE of {user} was not answered with 200 within {seconds} s")

    def _subscribe(self, cseq, proof=""):
        uri = f"sip:{self.user}@{self.there}"
        self.socket.send((f"SUBSCRIBE {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {self.here};branch=z9hG4bK{self.tag}{cseq};rport\r\n"
                          f"From: <{uri}>;tag={self.tag}\r\nTo: <{uri}>\r\nCall-ID: {self.call_id}\r\n"
                          f"CSeq: {cseq} SUBSCRIBE\r\nContact: <sip:{self.user}@{self.here}>\r\nMax-Forwards: 70\r\n"
                          f"Event: message-summary\r\nAccept: application/simple-message-summary\r\nExpires: 600\r\n"
                          f"{proof}Content-Length: 0\r\n\r\n").encode())

    def poll(self, seconds=0.0):
        self.socket.settimeout(max(seconds, 0.01))
        try:
            message = self.socket.recv(65536).decode("utf-8", "replace")
        except (TimeoutError, socket.timeout):
            return
        if message.startswith("SIP/2.0 407"):
            if self.challenge is None:  # else it refused the credentials
                self.challenge = message
                self._subscribe(2, credentials(message, "SUBSCRIBE", f"sip:{self.user}@{self.there}", self.user,
                                               self.password))
        elif message.startswith("SIP/2.0 2"):
            self.subscribed = True
        elif message.startswith("NOTIFY "):
            kept = [line for line in message.split("\r\n\r\n")[0].split("\r\n")[1:]
                    if line.split(":")[0].lower() in ("via", "from", "to", "call-id", "cseq", "record-route")]
            self.socket.send(("SIP/2.0 200 OK\r\n" + "\r\n".join(kept) + "\r\nContent-Length: 0\r\n\r\n").encode())
            found = re.search(r"Voice-Message: (\d+/\d+)", message)
            self.seen.append(found[1] if found else message[:200])

    def wait(self, wanted, seconds=6):
        """The newest NOTIFY says so: "1/0" is one new and no old message."""
        deadline = time.monotonic() + seconds
        while not self.seen or self.seen[-1] != wanted:
            self.poll(0.1)
            if time.monotonic() > deadline:
                raise AssertionError(f"the lamp of {self.user}: expected {wanted}, saw {self.seen or 'no NOTIFY'}")

    def close(self):
        self.socket.close()
