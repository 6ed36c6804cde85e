"""The boards that QEMU can be."""

# The boards.
#   qemu     the emulator and what it emulates
#   arch     Debian's name of the architecture, for packages
#   dtb      the device tree, from Debian's kernel package
#   load     where the unpacked kernel belongs (None: not packed)
#   console  the kernel's name for the serial port, which must be the one that
#   serial   these options make QEMU show
#   modules  what makes the GPIO chip, the network and the restart work
#   keys     the module that reads buttons for the kernel: "" if the kernel has
#            it inside, None if it has none that could work here
#   nic      the network; the forwarded ports are appended
#   append   more words for the kernel
BOARDS = {
    # No Raspberry Pi, but the one 32-bit board in QEMU whose GPIO lines can be
    # driven from outside with real edges and interrupts. It has the Pi 2's
    # processor core (Cortex-A7). mdio-aspeed has to come before ftgmac100.
    "phone": {
        "qemu": "qemu-system-arm -M ast2600-evb -m 1G",
        "arch": "armhf",
        "dtb": "aspeed-ast2600-evb.dtb",
        "load": 0x80208000,
        "console": "ttyS4,115200",
        "serial": "-serial chardev:con",
        "modules": "gpio-aspeed mdio-aspeed realtek ftgmac100",
        "keys": "",
        "nic": "-nic user",
        "append": "",
    },
    # The Raspberry Pis: the right kernel, device tree and GPIO chip, but no
    # edges on its lines (see pins.py). bcm2835_wdt restarts them; without
    # phy-generic the USB controller waits ten seconds for it.
    "pi0": {
        "qemu": "qemu-system-arm -M raspi0 -m 512M",
        "arch": "armel",
        "dtb": "bcm2835-rpi-zero.dtb",
        "load": 0x00008000,
        "console": "ttyAMA0,115200",
        "serial": "-serial chardev:con",
        "modules": "bcm2835_wdt dwc2 cdc_ether",
        "keys": None,
        "nic": "-device usb-net,netdev=net0 -netdev user,id=net0",
        # QEMU has not all of the power controller, and the driver dies of it.
        "append": "initcall_blacklist=bcm2835_power_driver_init",
    },
    "pi2": {
        "qemu": "qemu-system-arm -M raspi2b -m 1G",
        "arch": "armhf",
        "dtb": "bcm2836-rpi-2-b.dtb",
        "load": 0x00208000,
        "console": "ttyAMA0,115200",
        "serial": "-serial chardev:con",
        "modules": "bcm2835_wdt phy-generic dwc2 cdc_ether",
        "keys": None,
        "nic": "-device usb-net,netdev=net0 -netdev user,id=net0",
        "append": "",
    },
    "pi3": {
        "qemu": "qemu-system-aarch64 -M raspi3b -m 1G",
        "arch": "arm64",
        "dtb": "broadcom/bcm2837-rpi-3-b.dtb",
        "load": None,
        "console": "ttyS1,115200",
        "serial": "-serial null -serial chardev:con",
        "modules": "bcm2835_wdt phy-generic dwc2 cdc_ether",
        "keys": "gpio_keys_polled",
        "nic": "-device usb-net,netdev=net0 -netdev user,id=net0",
        "append": "",
    },
}
