"""Asks the kernel what no program of iproute2 6.1 asks, and reads until it has answered:

    ask.py rtnetlink <message type> <flags> <payload in hex> ...
    ask.py <family of generic netlink> <command> <flags> <payload in hex> ...
"""
import socket
import struct
import sys

NETLINK_ROUTE, NETLINK_GENERIC, SOL_NETLINK = 0, 16, 270
NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK = 10, 11, 12
NLM_F_REQUEST, NLMSG_ERROR, NLMSG_DONE = 1, 2, 3
GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME = 16, 3, 2


def send(kind, flags, payload):
    netlink.send(struct.pack("=IHHII", 16 + len(payload), kind, flags, 1, 0) + payload)


def number_of(family):
    """CTRL_ATTR_FAMILY_ID, which follows the name in the answer."""
    name = family.encode() + b"\0"
    attribute = struct.pack("=HH", 4 + len(name), CTRL_ATTR_FAMILY_NAME) + name.ljust(-len(name) % 4 + len(name), b"\0")
    send(GENL_ID_CTRL, NLM_F_REQUEST, struct.pack("=BBH", CTRL_CMD_GETFAMILY, 1, 0) + attribute)
    return struct.unpack_from("=H", netlink.recv(65536), 20 + len(attribute) + 4)[0]


def types(answer):
    at = 0
    while at < len(answer):
        length, kind = struct.unpack_from("=IH", answer, at)
        yield kind
        at += (length + 3) & ~3


family, (kind, flags) = sys.argv[1], (int(word, 0) for word in sys.argv[2:4])
payload = bytes.fromhex("".join(sys.argv[4:]))
netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE if family == "rtnetlink" else NETLINK_GENERIC)
for option in NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK:
    netlink.setsockopt(SOL_NETLINK, option, 1)
if family != "rtnetlink":
    kind, payload = number_of(family), struct.pack("=BBH", kind, 1, 0) + payload
send(kind, flags, payload)
while not {NLMSG_ERROR, NLMSG_DONE}.intersection(types(netlink.recv(65536))):
    pass
