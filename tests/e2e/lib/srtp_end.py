"""The other end of SRTP for tests: libsrtp2 itself, as every phone that links it has it, over ctypes.

    key = new_key("AES_CM_128_HMAC_SHA1_80"); mine = Keyed(suite, key); packet = mine.seal(rtp); rtp = theirs.open(packet)

open() gives None for what libsrtp2 refuses; seal_rtcp() and open_rtcp() are SRTCP's.
"""
import base64
import ctypes
import functools
import os
import re

SUITES = {  # RFC 4568, 6188, 7714: (bytes of key and salt, libsrtp2's name of the policy for RTP, for RTCP)
    "AES_CM_128_HMAC_SHA1_80": (30, "rtp_default", "rtp_default"),
    "AES_CM_128_HMAC_SHA1_32": (30, "aes_cm_128_hmac_sha1_32", "rtp_default"),
    "AES_192_CM_HMAC_SHA1_80": (38, "aes_cm_192_hmac_sha1_80", "aes_cm_192_hmac_sha1_80"),
    "AES_192_CM_HMAC_SHA1_32": (38, "aes_cm_192_hmac_sha1_32", "aes_cm_192_hmac_sha1_80"),
    "AES_256_CM_HMAC_SHA1_80": (46, "aes_cm_256_hmac_sha1_80", "aes_cm_256_hmac_sha1_80"),
    "AES_256_CM_HMAC_SHA1_32": (46, "aes_cm_256_hmac_sha1_32", "aes_cm_256_hmac_sha1_80"),
    "AEAD_AES_128_GCM": (28, "aes_gcm_128_16_auth", "aes_gcm_128_16_auth"),
    "AEAD_AES_256_GCM": (44, "aes_gcm_256_16_auth", "aes_gcm_256_16_auth"),
}


class CryptoPolicy(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int) for name in ("cipher", "key_bytes", "auth", "auth_key_bytes", "tag_bytes", "services")]


class MasterKey(ctypes.Structure):
    _fields_ = [("key", ctypes.c_char_p), ("mki", ctypes.c_char_p), ("mki_bytes", ctypes.c_uint)]


class Policy(ctypes.Structure):
    _fields_ = [("ssrc_type", ctypes.c_int), ("ssrc", ctypes.c_uint), ("rtp", CryptoPolicy), ("rtcp", CryptoPolicy),
                ("key", ctypes.c_char_p), ("keys", ctypes.POINTER(ctypes.POINTER(MasterKey))), ("key_count", ctypes.c_ulong),
                ("ekt", ctypes.c_void_p), ("window", ctypes.c_ulong), ("repeats", ctypes.c_int),
                ("headers", ctypes.c_void_p), ("header_count", ctypes.c_int), ("next", ctypes.c_void_p)]


@functools.cache
def library():
    lib = ctypes.CDLL("libsrtp2.so.1")
    lib.srtp_init()
    return lib


def new_key(suite):
    return os.urandom(SUITES[suite][0])


def crypto_line(tag, suite, key, more=""):
    return f"a=crypto:{tag} {suite} inline:{base64.b64encode(key).decode()}{more}\r\n"


def read_crypto(sdp):
    """[(tag, suite, key, what follows the key)] of a description."""
    out = []
    for tag, suite, key, more in re.findall(r"^a=crypto:(\d+) (\S+) inline:([A-Za-z0-9+/=]+)([^\r\n]*)", sdp, re.M):
        out.append((int(tag), suite, base64.b64decode(key + "=" * (-len(key) % 4)), more))
    return out


class Keyed:
    """One direction's key, or `keys` with their MKIs, the first of which seals."""

    def __init__(self, suite, key, mki=b"", sends=True):
        size, rtp, rtcp = SUITES[suite]
        assert len(key) == size, (suite, len(key))
        self.lib, self.mki = library(), mki
        policy = Policy(ssrc_type=3 if sends else 2, window=128)
        getattr(self.lib, f"srtp_crypto_policy_set_{rtp}")(ctypes.byref(policy.rtp))
        getattr(self.lib, f"srtp_crypto_policy_set_{rtcp}")(ctypes.byref(policy.rtcp))
        self.master = MasterKey(key, mki, len(mki))
        self.list = (ctypes.POINTER(MasterKey) * 1)(ctypes.pointer(self.master))
        if mki:
            policy.keys, policy.key_count = self.list, 1
        else:
            policy.key = key
        self.session = ctypes.c_void_p()
        status = self.lib.srtp_create(ctypes.byref(self.session), ctypes.byref(policy))
        assert status == 0, f"libsrtp2 refuses {suite}: {status}"

    def _run(self, what, data, *more):
        buffer, size = ctypes.create_string_buffer(data, len(data) + 256), ctypes.c_int(len(data))
        status = getattr(self.lib, what)(self.session, buffer, ctypes.byref(size), *more)
        return buffer.raw[:size.value] if status == 0 else None

    def seal(self, rtp):
        return self._run("srtp_protect_mki", rtp, ctypes.c_uint(bool(self.mki)), ctypes.c_uint(0))

    def open(self, packet):
        return self._run("srtp_unprotect_mki", packet, ctypes.c_uint(bool(self.mki)))

    def seal_rtcp(self, rtcp):
        return self._run("srtp_protect_rtcp_mki", rtcp, ctypes.c_uint(bool(self.mki)), ctypes.c_uint(0))

    def open_rtcp(self, packet):
        return self._run("srtp_unprotect_rtcp_mki", packet, ctypes.c_uint(bool(self.mki)))
