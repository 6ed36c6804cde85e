#!/usr/bin/env python3
"""Fit a board's device tree to a pin table.

  dtb.py BOARD PINS INPUT.dtb OUTPUT.dtb

The lines get the names of the table (so that a program finds "GPIO17" on the
bench as on a Raspberry Pi), rows of kind "key" become buttons of the kernel's
gpio-keys driver and rows of kind "led" LEDs of its gpio-leds driver.

Debian's device trees are compiled without the symbols that overlays refer
to, so the tree is edited in place with dtc's own tools.
"""

import os
import shutil
import subprocess
import sys

import pins

# Where a board's GPIO chip is in its device tree, how many lines it has, and
# which driver reads keys: the polling one where there are no interrupts.
CHIPS = {
    "phone": ("/ahb/apb/gpio@1e780000", 208, "gpio-keys"),
    "pi0": ("/soc/gpio@7e200000", 54, "gpio-keys-polled"),
    "pi2": ("/soc/gpio@7e200000", 54, "gpio-keys-polled"),
    "pi3": ("/soc/gpio@7e200000", 54, "gpio-keys-polled"),
}


def main(board, table, source, target):
    chip, count, keys_driver = CHIPS[board]
    rows = pins.read_table(table).values()
    shutil.copyfile(source, target)

    def get(kind, path, name):
        return subprocess.run(
            ["fdtget", "-t", kind, target, path, name],
            check=True, capture_output=True, text=True,
        ).stdout.strip()

    def put(kind, path, name, *values):
        words = [str(value) for value in values]
        subprocess.run(["fdtput", "-t", kind, target, path, name, *words], check=True)

    def node(path):
        subprocess.run(["fdtput", "-c", target, path], check=True)

    def offset(pin):
        return pin.bench_offset if board == "phone" else pin.pi_offset

    phandle = int(get("u", chip, "phandle"))
    if board == "phone":
        names = [""] * count
        for pin in rows:
            names[offset(pin)] = pin.line
        put("s", chip, "gpio-line-names", *names)
        # QEMU's counter is said to run at 1125 MHz, but its steps are whole
        # nanoseconds: by that, all clocks of the board would be 11 % slow.
        put("u", "/timer", "clock-frequency", 1000000000)

    # The second cell of a line: bit 0 says active low.
    def cells(pin):
        return (phandle, offset(pin), 0 if pin.active_high else 1)

    keys = [pin for pin in rows if pin.kind == "key"]
    if keys:
        node("/lampfield-keys")
        put("s", "/lampfield-keys", "compatible", keys_driver)
        if keys_driver == "gpio-keys-polled":
            put("u", "/lampfield-keys", "poll-interval", 20)
        for pin in keys:
            path = f"/lampfield-keys/{pin.name}"
            node(path)
            put("s", path, "label", pin.name)
            put("u", path, "linux,code", pin.code)
            put("u", path, "gpios", *cells(pin))
            put("u", path, "debounce-interval", 10)

    leds = [pin for pin in rows if pin.kind == "led"]
    if leds:
        node("/lampfield-leds")
        put("s", "/lampfield-leds", "compatible", "gpio-leds")
        for pin in leds:
            path = f"/lampfield-leds/{pin.name}"
            node(path)
            put("s", path, "label", f"lampfield:{pin.name}")
            put("u", path, "gpios", *cells(pin))
            put("s", path, "default-state", "off")

    # A seed for the kernel's random numbers, as a real boot loader gives one:
    # without it, programs that ask for random bytes may wait for long.
    put("bx", "/chosen", "rng-seed", *(f"{byte:x}" for byte in os.urandom(64)))


if __name__ == "__main__":
    main(*sys.argv[1:])
