"""The kernel's end of a case of the interop matrix: one connection, SIZE bytes from here, then SIZE bytes to here, then both ends close.

peer.py connect|listen HOST PORT SIZE CONGESTION

Prints JSON, one line each: `{"listening": true}`, and in the end what became of it. Times are milliseconds of CLOCK_MONOTONIC, which the
other end's process shares. Longest gaps are those between two reads that brought something.
"""

import errno
import hashlib
import json
import os
import select
import socket
import struct
import sys
import time

BLOCK = 1 << 18
SAMPLE = 10
GAPS = 8
TCP_INFO = struct.Struct("=8B24I4Q6I4Q2I")
OPTIONS = ((1, "timestamps"), (2, "sack"), (4, "windowScaling"), (8, "ecn"), (16, "ecnSeen"))


def now():
    return time.monotonic() * 1000


def info(s):
    raw = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO.size)
    fields = TCP_INFO.unpack(raw.ljust(TCP_INFO.size, b"\0"))
    return {
        "options": [name for bit, name in OPTIONS if fields[5] & bit],
        "rto": fields[8] / 1000,
        "mss": fields[10],
        "rtt": fields[23] / 1000,
        "cwnd": fields[26],
        "retransmissions": fields[31],
        "delivered": fields[-2],
        "deliveredCe": fields[-1],
    }


class Rto:
    """The sender's RTO over time: where it changed."""

    def __init__(self, s):
        self.socket = s
        self.changes = []
        self.at = 0

    def sample(self, at):
        if at - self.at < SAMPLE:
            return
        self.at = at
        rto = info(self.socket)["rto"]
        if not self.changes or self.changes[-1][1] != rto:
            self.changes.append([at, rto])


def send(s, data, rto, result):
    view = memoryview(data)
    poll = select.poll()
    poll.register(s, select.POLLOUT)
    result["sendFrom"] = now()
    at = 0
    while at < len(data):
        ready = poll.poll(SAMPLE)
        rto.sample(now())
        if ready:
            at += s.send(view[at : at + BLOCK])
            result["sent"] = at


def receive(s, size, rto, result):
    """Nothing comes before the other end has got everything: until then, the RTO is still that of a sender."""
    data = bytearray(size)
    view = memoryview(data)
    poll = select.poll()
    poll.register(s, select.POLLIN)
    at = 0
    last = None
    gaps = []
    while at < size:
        ready = poll.poll(SAMPLE)
        moment = now()
        if last is None:
            rto.sample(moment)
        if not ready:
            continue
        got = s.recv_into(view[at:])
        if got == 0:
            raise EOFError(f"{size - at} bytes missing")
        at += got
        result["received"] = at
        moment = now()
        if last is None:
            result["receivedFrom"] = moment
        elif moment - last >= SAMPLE:
            gaps.append([last, moment])
            if len(gaps) > 4 * GAPS:
                gaps = longest(gaps)
        last = moment
    result["receivedTo"] = last
    result["gaps"] = longest(gaps)
    result["receivedHash"] = hashlib.sha256(data).hexdigest()


def longest(gaps):
    return sorted(gaps, key=lambda gap: gap[0] - gap[1])[:GAPS]


def opened(role, host, port, congestion):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    s = socket.socket(family, socket.SOCK_STREAM)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, congestion.encode())
    if role == "connect":
        s.connect((host, port))
        return s
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((host, port))
    s.listen(1)
    print(json.dumps({"listening": True}), flush=True)
    return s.accept()[0]


def main():
    role, host, port, size, congestion = sys.argv[1:]
    data = os.urandom(int(size))
    result = {"sent": 0, "received": 0, "sentHash": hashlib.sha256(data).hexdigest()}
    try:
        s = opened(role, host, int(port), congestion)
        used = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
        result["congestion"] = used.split(b"\0")[0].decode()
        s.setblocking(False)
        rto = Rto(s)
        result["rto"] = rto.changes
        send(s, data, rto, result)
        receive(s, int(size), rto, result)
        s.setblocking(True)
        result["atEnd"] = s.recv(1) == b""
        result["info"] = info(s)
        s.close()
    except (OSError, EOFError) as error:
        code = getattr(error, "errno", None)
        result["error"] = errno.errorcode.get(code, str(error))
    print(json.dumps({"result": result}), flush=True)


main()
