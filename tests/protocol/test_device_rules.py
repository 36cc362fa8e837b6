"""What box.json may say of devices, before anybody opens one."""

from protocol.device_rules import MAX_CAPACITY_G, device_faults, line_fields

LINE = {"port": "/dev/ttyS0"}


def test_no_devices_are_no_fault():
    assert device_faults({}) == []


def test_a_device_that_no_box_has_is_named():
    assert device_faults({"toaster": {}}) == ["toaster is no device of a box"]


def test_devices_that_are_no_object_are_a_fault():
    for devices in (None, [], "scanner", 1):
        assert device_faults(devices) == ["devices is no object"]


def test_faults_come_device_by_device_and_field_by_field():
    devices = {
        "scale": {"capacity_g": MAX_CAPACITY_G + 1, "unit": "st", "port": "/dev/\x00"},
        "scanner": {"baud": True, "port": "/dev/ttyS0", "colour": "red"},
        "drawer": {"connector": 2},
    }

    assert device_faults(devices) == [
        "scanner.colour is not known here",
        "scanner.baud is not one of 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600",
        "scale.port is not a text of at most 255 characters",
        "scale.unit is not one of kg, lb",
        "scale.capacity_g is not 100 to 300000",
        "drawer.connector is not one of 0, 1",
        "drawer needs a printer, which opens it",
    ]


def test_a_printer_takes_each_of_the_known_pages_once():
    good = [["cp437"], ["cp866", "gb18030"]]
    bad = [[], ["cp437", "cp437"], [["cp437"]], ["latin-1"], "cp437", [1]]

    assert [device_faults({"printer": {"host": "p", "port": 1, "code_pages": pages}}) for pages in good] == [
        [],
        [],
    ]
    for pages in bad:
        assert len(device_faults({"printer": {"host": "p", "port": 1, "code_pages": pages}})) == 1


def test_a_line_is_serial_or_tcp_and_a_drawer_has_none():
    assert line_fields("scanner", {}) == ["port", "baud", "data_bits", "parity", "stop_bits"]
    assert line_fields("scanner", {"host": "a"}) == ["host", "port"]
    assert line_fields("reader", {"host": "a"}) == ["port", "baud"]
    assert line_fields("drawer", {}) == []
