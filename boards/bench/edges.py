#!/usr/bin/env python3
"""Measure from the edge of a button to the NOTIFY on the wire.

  edges.py DIR BUTTON [COUNT [DEBOUNCE]]

The board that bench.py started in DIR serves sip:desk@10.0.2.15 on the forwarded port 5060, trusts 10.0.2.2, tells
every change at once (burst = 0), and BUTTON of its pin table changes the presence with each press. A watcher on this
machine subscribes; the button is pressed COUNT times (50). One line is printed, in milliseconds and without DEBOUNCE
(0, as the emulated chip of `phone` has none):

  median=3.1 p90=4.0 worst=9.8 presses=50
"""

import json
import pathlib
import socket
import sys
import time

from phone import Phone

DESK = "sip:desk@10.0.2.15"


def header(message, name):
    for line in message.partition("\r\n\r\n")[0].split("\r\n")[1:]:
        if line.startswith(name + ": "):
            return line[len(name) + 2 :]
    return ""


def subscribe(sock, agent):
    """A subscription to the presence; returns when the first NOTIFY was answered."""
    port = sock.getsockname()[1]
    words = (
        f"SUBSCRIBE {DESK} SIP/2.0",
        f"Via: SIP/2.0/UDP 10.0.2.2:{port};branch=z9hG4bK{time.monotonic_ns()};rport",
        "Max-Forwards: 70",
        f"From: <sip:edges@10.0.2.2:{port}>;tag=edges",
        f"To: <{DESK}>",
        f"Call-ID: {time.monotonic_ns()}",
        "CSeq: 1 SUBSCRIBE",
        f"Contact: <sip:edges@10.0.2.2:{port}>",
        "Event: presence",
        "Expires: 600",
        "Content-Length: 0",
    )
    message = "".join(word + "\r\n" for word in words) + "\r\n"
    for _ in range(20):
        sock.sendto(message.encode(), agent)
        try:
            return next_notify(sock, 0)
        except TimeoutError:
            pass
    sys.exit("edges: no NOTIFY came")


def next_notify(sock, after):
    """When the next NOTIFY came, and its number; each is answered."""
    while True:
        data, source = sock.recvfrom(4096)
        now = time.monotonic()
        text = data.decode(errors="replace")
        if not text.startswith("NOTIFY "):
            if not text.startswith("SIP/2.0 200 "):
                sys.exit(f"edges: {text.partition(chr(13))[0]}")
            continue
        answer = "SIP/2.0 200 OK\r\n"
        for name in ("Via", "From", "To", "Call-ID", "CSeq"):
            answer += f"{name}: {header(text, name)}\r\n"
        sock.sendto((answer + "Content-Length: 0\r\n\r\n").encode(), source)
        number = int(header(text, "CSeq").split()[0])
        if number > after:
            return now, number


def main(folder, button, count=50, debounce=0):
    facts = json.loads((pathlib.Path(folder) / "bench.json").read_text())
    times = []
    with Phone(folder) as phone, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(2)
        sock.bind(("127.0.0.1", 0))
        _, number = subscribe(sock, ("127.0.0.1", facts["ports"]["udp/5060"]))
        for _ in range(int(count)):
            time.sleep(0.1)
            begun = time.monotonic()
            phone.press(button)
            told, number = next_notify(sock, number)
            times.append((told - begun) * 1000 - float(debounce))
            time.sleep(0.1)
            phone.release(button)
    times.sort()
    def pick(part):
        return times[min(len(times) - 1, int(len(times) * part))]

    print(f"median={pick(0.5):.1f} p90={pick(0.9):.1f} worst={times[-1]:.1f} presses={len(times)}")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__.strip())
    main(*sys.argv[1:])
