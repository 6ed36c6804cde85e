#!/usr/bin/env python3
"""Boot a board in QEMU with a program on it, and work with it.

  bench.py up DIR [OPTION]...      boot, wait until it is ready, leave it running
  bench.py sh DIR COMMAND          run a line of shell on the board
  bench.py push DIR SOURCE DEST    copy a file onto the running board
  bench.py ports DIR               the forwarded ports, one per line
  bench.py down DIR                end the program; exit with its exit code
  bench.py wait DIR                wait for the program's own end; likewise
  bench.py cut DIR                 cut the power

DIR holds all that belongs to one board: its sockets, console.log (all that
the board said) and bench.json (what the other tools need to know). Several
boards can run side by side, each in a folder of its own. phone.py presses
the buttons.
"""

import argparse
import hashlib
import json
import lzma
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
import zlib

from machines import BOARDS
from phone import Phone
from qmp import Qmp, connected

HERE = pathlib.Path(__file__).resolve().parent

def fail(text):
    sys.exit(f"bench: {text}")


def bench_dir():
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(os.environ.get("BENCH_DIR") or f"{cache}/lampfield-bench")


def unpacked_kernel(packed, load):
    """Debian's 32-bit kernel without its compression, which is slow to undo in
    an emulator: as a uImage, which tells QEMU where to put it. Kept for later."""
    data = packed.read_bytes()
    target = bench_dir() / "kernel" / f"{hashlib.sha256(data).hexdigest()[:16]}-{load:08x}"
    if target.exists():
        return target
    start = 0
    while True:
        start = data.find(b"\xfd7zXZ\x00", start + 1)
        if start < 0:
            return packed  # packed otherwise: it will have to unpack itself
        unpack = lzma.LZMADecompressor(lzma.FORMAT_XZ)
        try:
            image = unpack.decompress(data[start:])
        except lzma.LZMAError:
            continue
        if unpack.eof:
            break

    def header(check):
        return struct.pack(
            ">7I4B32s", 0x27051956, check, 0, len(image), load, load, zlib.crc32(image),
            5, 2, 2, 0, b"Linux",  # for Linux, on ARM, a kernel, not compressed
        )  # fmt: skip

    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(f".{os.getpid()}")
    part.write_bytes(header(zlib.crc32(header(0))) + image)
    part.rename(target)
    return target


class Board:
    """A board that runs, or ran, in a folder."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        try:
            self.facts = json.loads((self.folder / "bench.json").read_text())
        except FileNotFoundError:
            fail(f"{folder}: no board was started here")

    def log(self):
        return (self.folder / "console.log").read_text(errors="replace")

    def alive(self):
        """Whether QEMU still runs (and not some later process of that number)."""
        fields = process(self.facts["pid"])
        return fields is not None and fields[0] != "Z" and fields[19] == self.facts["started"]

    def await_log(self, pattern, seconds):
        """Wait for a line on the console; the match."""
        end = time.monotonic() + seconds
        while True:
            gone = not self.alive()
            found = re.search(pattern, self.log(), re.MULTILINE)
            if found:
                return found
            if gone:
                fail(f"QEMU ended before /{pattern}/ came; see {self.folder}/console.log")
            if time.monotonic() > end:
                fail(f"no /{pattern}/ within {seconds} s; see {self.folder}/console.log")
            time.sleep(0.02)

    def sh(self, command, seconds=60.0):
        """Run one line of shell on the board; its exit code and what it printed."""
        if "\n" in command or len(command) > 3500:
            fail("a command is one line, of 3500 characters at most")
        if not self.alive():
            fail(f"{self.folder}: the board is off; see console.log there")
        nonce = str(time.monotonic_ns())
        # Not at the start of a line if the output did not end in a newline.
        done = re.compile(rb"BENCH done %s (\d+)\r?\n" % nonce.encode())
        with connected(self.folder, "console.sock") as sock:
            sock.settimeout(seconds)
            sock.sendall(f"{nonce} {command}\n".encode())
            seen = b""
            while not (found := done.search(seen)):
                try:
                    part = sock.recv(65536)
                except TimeoutError:
                    fail(f"no answer within {seconds} s to: {command}")
                if not part:
                    fail(f"the board ended during: {command}")
                seen += part
        text = seen[: found.start()].decode(errors="replace")
        return int(found[1]), text.replace("\r\n", "\n")

    def push(self, source, destination):
        """Copy a file onto the board, by way of the TFTP server in QEMU."""
        name = f"push-{time.monotonic_ns()}"
        copy = self.folder / "tftp" / name
        shutil.copyfile(source, copy)
        mode = "755" if os.access(source, os.X_OK) else "644"
        line = (
            f"mkdir -p $(dirname {destination}) && tftp -g -b 16384 -r {name} -l /tmp/{name} "
            f"10.0.2.2 && chmod {mode} /tmp/{name} && mv /tmp/{name} {destination}"
        )
        code, text = self.sh(line)
        copy.unlink()
        if code:
            fail(f"push: {text.strip()}")

    def end_program(self, name, seconds):
        """Send the program a signal; without one, switch the board off."""
        off = "echo BENCH exit 0; sync; reboot -f"
        line = f"kill -{name} $(cat /run/start.pid) || {{ {off}; }}"
        with connected(self.folder, "console.sock") as sock:
            sock.settimeout(seconds)
            sock.sendall(f"0 {line}\n".encode())
            try:
                # Read on, lest QEMU wait for us, until it hangs up.
                while sock.recv(65536):
                    pass
            except (TimeoutError, ConnectionError):
                pass

    def cut(self):
        """Cut the power: QEMU ends at once, and nothing on the board learns of it."""
        if self.alive():
            os.kill(self.facts["pid"], signal.SIGKILL)
        while self.alive():
            time.sleep(0.01)

    def wait(self, seconds):
        """Wait until QEMU has ended; the exit code of the program."""
        end = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() > end:
                os.kill(self.facts["pid"], signal.SIGTERM)
                fail(f"still running after {seconds} s: ended by force")
            time.sleep(0.02)
        found = re.search(r"BENCH exit (\d+)", self.log())
        if not found:
            fail(f"the board ended without an exit code; see {self.folder}/console.log")
        return int(found[1])


def process(pid):
    """The fields of a process's state, from the letter on; None if it is gone."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def free_port(sort):
    """A port of the loopback that nobody has; taken soon enough, one hopes."""
    with socket.socket(socket.AF_INET, sort) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def parts_from_packages(arguments, board, folder):
    """Kernel, device tree and command line from Debian's packages, and an
    initramfs with the program and the files."""
    root = bench_dir() / "root" / board["arch"]
    if not (root / ".complete").exists():
        fail(f"no parts for {board['arch']}: packages {board['arch']}")
    release = (root / ".kernel").read_text().strip()

    pairs = [f"{HERE}/measure=bin/measure", *arguments.add]
    if arguments.start:
        start = folder / "start"
        start.write_text(f"#!/bin/sh\nexec {arguments.start}\n")
        start.chmod(0o755)
        pairs.append(f"{start}=bench/start")
    modules = board["modules"]
    table = arguments.pins.read_text()
    if re.search(r"(?m)^\w+\s+key\s", table) and board["keys"] is not None:
        modules += f" evdev {board['keys']}"
    if re.search(r"(?m)^\w+\s+led\s", table):
        modules += " leds-gpio ledtrig-timer ledtrig-pattern"
    modules = " ".join([modules, *arguments.module])
    subprocess.run(
        [HERE / "initramfs", board["arch"], folder / "initramfs", "-m", modules, *pairs],
        check=True,
    )
    dtb = root / f"usr/lib/linux-image-{release}" / board["dtb"]
    subprocess.run(
        [HERE / "dtb.py", arguments.board, arguments.pins, dtb, folder / "board.dtb"],
        check=True,
    )
    line = f"console={board['console']} panic=-1 {board['append']} {arguments.append}"
    if arguments.os:
        (folder / "initramfs").unlink()
        (folder / "initramfs").symlink_to(arguments.os.resolve())
        line += " systemd.getty_auto=no systemd.show_status=no quiet"
        line += f" systemd.mask=serial-getty@{board['console'].partition(',')[0]}.service"
    return root / f"boot/vmlinuz-{release}", line


def parts_from_image(arguments, board, folder):
    """The same from a card image, which goes into the board's card slot: all
    that the firmware would do, as QEMU has none."""
    card = folder / "card.img"
    if not (arguments.same_card and card.exists()):
        subprocess.run(["cp", "--sparse=always", arguments.image, card], check=True)
    names = {
        "vmlinuz": "vmlinuz",
        "initramfs": "initramfs",
        pathlib.PurePath(board["dtb"]).name: "board.dtb",
        "cmdline.txt": "cmdline.txt",
    }
    for name, target in names.items():
        (folder / target).unlink(missing_ok=True)
        # The first partition starts at 1 MiB.
        subprocess.run(["mcopy", "-i", f"{card}@@1M", f"::{name}", folder / target], check=True)
    # Random bytes to begin with, as dtb.py gives them: without, the program would wait for some.
    seed = [f"{byte:x}" for byte in os.urandom(64)]
    subprocess.run(
        ["fdtput", "-t", "bx", folder / "board.dtb", "/chosen", "rng-seed", *seed], check=True
    )
    line = (folder / "cmdline.txt").read_text().strip()
    return folder / "vmlinuz", f"{line} panic=-1 bench {board['append']} {arguments.append}"


def up(arguments):
    board = BOARDS[arguments.board]
    folder = pathlib.Path(arguments.dir)
    (folder / "tftp").mkdir(parents=True, exist_ok=True)
    if (folder / "bench.json").exists() and Board(folder).alive():
        fail(f"{folder}: a board is running here already")
    sockets = ["console.sock", "qmp.sock", "qtest.sock"]
    for name in ("console.log", "bench.json", *sockets):
        (folder / name).unlink(missing_ok=True)

    card = []
    if arguments.image:
        kernel, line = parts_from_image(arguments, board, folder)
        card = ["-drive", "if=sd,format=raw,file=card.img"]
    else:
        kernel, line = parts_from_packages(arguments, board, folder)
    if board["load"] is not None:
        kernel = unpacked_kernel(kernel, board["load"])

    ports = {}
    network = board["nic"] + ",tftp=tftp"
    for kind, wishes in (("udp", arguments.udp), ("tcp", arguments.tcp)):
        for wish in wishes:
            host, _, guest = wish.rpartition(":")
            sort = socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM
            host = int(host) if host else free_port(sort)
            ports[f"{kind}/{guest}"] = host
            network += f",hostfwd={kind}:127.0.0.1:{host}-:{guest}"

    command = [
        *board["qemu"].split(),
        *("-kernel", kernel.resolve(), "-initrd", "initramfs", "-dtb", "board.dtb"),
        *("-append", line),
        # Paused at first, so that the buttons are in place before the kernel looks.
        *"-nodefaults -display none -no-reboot -S".split(),
        *("-chardev", "socket,id=con,path=console.sock,server=on,wait=off,logfile=console.log"),
        *board["serial"].split(),
        *"-qmp unix:qmp.sock,server=on,wait=off".split(),
        *"-qtest unix:qtest.sock,server=on,wait=off -qtest-log /dev/null".split(),
        *network.split(),
        *card,
        *arguments.qemu.split(),
    ]
    begun = time.monotonic()
    with open(folder / "qemu.log", "wb") as errors:
        qemu = subprocess.Popen(
            [str(word) for word in command],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            start_new_session=True,
        )
    facts = {
        "pid": qemu.pid,
        "started": process(qemu.pid)[19],
        "board": arguments.board,
        "pins": str(arguments.pins.resolve()),
        "ports": ports,
    }
    (folder / "bench.json").write_text(json.dumps(facts, indent=1) + "\n")
    running = Board(folder)
    try:
        while not all((folder / name).exists() for name in sockets):
            if qemu.poll() is not None:
                fail((folder / "qemu.log").read_text(errors="replace"))
            time.sleep(0.01)
        with Phone(folder) as phone:
            phone.release_all()
            for name in arguments.hold:
                phone.press(name)
        with Qmp(folder) as qmp:
            qmp.run("cont")
        running.await_log(arguments.ready or r"^BENCH up ", arguments.timeout)
    except BaseException:
        qemu.terminate()
        raise
    print(f"ready after {time.monotonic() - begun:.2f} s")
    for name, host in ports.items():
        print(f"{name} 127.0.0.1:{host}")
    return 0


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)

    one = commands.add_parser("up")
    one.add_argument("dir")
    one.add_argument("--board", choices=BOARDS, default="phone")
    one.add_argument(
        "--add", action="append", default=[], metavar="SOURCE=DEST",
        help="a file to put on the board; executable if it is here",
    )  # fmt: skip
    one.add_argument(
        "--start", metavar="LINE",
        help="what to run, such as '/bin/agent /etc/agent.toml'; the board ends with it",
    )  # fmt: skip
    one.add_argument("--ready", metavar="PATTERN", help="ready once a line of the console matches")
    one.add_argument("--timeout", type=float, default=90, metavar="SECONDS")
    one.add_argument("--udp", action="append", default=[], metavar="[HOSTPORT:]PORT")
    one.add_argument("--tcp", action="append", default=[], metavar="[HOSTPORT:]PORT")
    one.add_argument("--os", type=pathlib.Path, help="boot this system instead")
    one.add_argument("--image", help="boot this card image instead, on pi0, pi2 or pi3")
    one.add_argument("--same-card", action="store_true", help="keep what the last run wrote to it")
    one.add_argument("--pins", type=pathlib.Path, default=HERE / "pins.txt")
    one.add_argument("--hold", action="append", default=[], help="a button held from the start")
    one.add_argument("--module", action="append", default=[], help="one more kernel module")
    one.add_argument("--append", default="", help="more words for the kernel's command line")
    one.add_argument("--qemu", default="", help="more options for QEMU")

    one = commands.add_parser("sh")
    one.add_argument("dir")
    one.add_argument("line")
    one.add_argument("--timeout", type=float, default=60)

    one = commands.add_parser("push")
    one.add_argument("dir")
    one.add_argument("source")
    one.add_argument("dest")

    commands.add_parser("ports").add_argument("dir")
    commands.add_parser("cut").add_argument("dir")

    for name in ("down", "wait"):
        one = commands.add_parser(name)
        one.add_argument("dir")
        one.add_argument("--timeout", type=float, default=60)
    commands.choices["down"].add_argument("--signal", default="TERM")

    arguments = parser.parse_args()
    if arguments.command == "up":
        return up(arguments)
    board = Board(arguments.dir)
    if arguments.command == "sh":
        code, text = board.sh(arguments.line, arguments.timeout)
        sys.stdout.write(text)
        return code
    if arguments.command == "push":
        board.push(arguments.source, arguments.dest)
        return 0
    if arguments.command == "ports":
        for name, host in board.facts["ports"].items():
            print(f"{name} 127.0.0.1:{host}")
        return 0
    if arguments.command == "cut":
        board.cut()
        return 0
    if arguments.command == "down" and board.alive():
        board.end_program(arguments.signal, arguments.timeout)
    return board.wait(arguments.timeout)


if __name__ == "__main__":
    sys.exit(main())
