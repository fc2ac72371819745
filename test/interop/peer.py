"""The kernel's end of a connection: plain sockets, told what to do by words on the command line.

peer.py connect|listen HOST PORT COUNT ACTION...

Opens COUNT connections, then takes each action with each of them in turn; `a+b` is a, then b with the first, then with the next. Prints JSON, one line each: what `say` is told to,
`{"listening": true}`, and in the end what was sent and received. An error ends the actions and is part of the result.
"""

import errno
import hashlib
import json
import os
import resource
import socket
import struct
import sys
import threading
import time

BLOCK = 1 << 20


class Peer:
    def __init__(self, sockets):
        self.sockets = sockets
        self.sent = hashlib.sha256()
        self.received = hashlib.sha256()
        self.result = {"sent": 0, "received": 0}

    def send(self, s, count):
        left = int(count)
        while left > 0:
            block = os.urandom(min(BLOCK, left))
            s.sendall(block)
            self.sent.update(block)
            self.result["sent"] += len(block)
            left -= len(block)

    def recv(self, s, count=None):
        left = None if count is None else int(count)
        buffer = bytearray(BLOCK)
        while left is None or left > 0:
            got = s.recv_into(buffer, BLOCK if left is None else min(BLOCK, left))
            if got == 0:
                if left is not None:
                    raise EOFError(f"{left} bytes missing")
                return
            self.received.update(memoryview(buffer)[:got])
            self.result["received"] += got
            if left is not None:
                left -= got

    def both(self, s, count):
        """Sends and receives at the same time."""
        sender = threading.Thread(target=self.send, args=(s, count))
        sender.start()
        self.recv(s, count)
        sender.join()

    def shut(self, s):
        s.shutdown(socket.SHUT_WR)

    def wait(self, _, seconds):
        time.sleep(float(seconds))

    def go(self, _):
        """Waits for a line from the test."""
        sys.stdin.readline()

    def say(self, _, word):
        print(json.dumps({"say": word}), flush=True)

    def linger0(self, s):
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def slowack(self, s):
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)

    def nodelay(self, s):
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self, s):
        s.close()

    def run(self, actions):
        for together in actions:
            for s in self.sockets:
                for action in together.split("+"):
                    name, *arguments = action.split(":")
                    try:
                        getattr(self, name)(s, *arguments)
                    except (OSError, EOFError) as error:
                        number = getattr(error, "errno", None)
                        self.result["error"] = errno.errorcode.get(number, str(error))
                        self.result["at"] = name
                        return
        self.result["done"] = True

    def report(self):
        self.result["sentHash"] = self.sent.hexdigest()
        self.result["receivedHash"] = self.received.hexdigest()
        print(json.dumps(self.result), flush=True)


def open_all(role, address, count):
    if role == "connect":
        return [socket.create_connection(address, timeout=None) for _ in range(count)]
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    server = socket.create_server(address, family=family, backlog=4096)
    print(json.dumps({"listening": True}), flush=True)
    sockets = [server.accept()[0] for _ in range(count)]
    server.close()
    return sockets


def main():
    role, host, port, count, *actions = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
    started = time.monotonic()
    try:
        peer = Peer(open_all(role, (host, int(port)), int(count)))
    except OSError as error:
        took = (time.monotonic() - started) * 1000
        code = errno.errorcode.get(error.errno, str(error))
        print(json.dumps({"sent": 0, "received": 0, "error": code, "at": role, "took": took}), flush=True)
        return
    peer.run(actions)
    peer.report()


main()
