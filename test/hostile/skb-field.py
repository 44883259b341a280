"""
Sets or counts a field of the packets that pass a hook, by an eBPF program of a few instructions:

    skb-field.py DEVICE ingress|egress PRIORITY set|count FIELD VALUE

Says `attached`, or why the kernel refuses; then, for each line of its input, how many packets had the value. Ends with its input,
and takes the program away.
"""
import ctypes
import os
import socket
import struct
import sys

# linux/bpf.h: offset in struct __sk_buff, and size
FIELDS = {
    "pkt_type": (4, 4), "mark": (8, 4), "queue_mapping": (12, 4), "vlan_tci": (24, 4), "priority": (32, 4), "tc_index": (44, 4),
    "cb": (48, 4), "hash": (68, 4), "tstamp": (152, 8), "gso_size": (176, 4),
}
# Helpers that set what no program may write: number, and what comes before the value.
HELPERS = {"vlan_tci": (18, [socket.htons(0x8100)]), "pkt_type": (32, []), "hash": (48, [])}
BPF_MAP_CREATE, BPF_MAP_LOOKUP_ELEM, BPF_PROG_LOAD, BPF_MAP_TYPE_ARRAY, BPF_PROG_TYPE_SCHED_CLS = 0, 1, 5, 2, 3
SYS_BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
# linux/rtnetlink.h, linux/pkt_cls.h, linux/pkt_sched.h
RTM_NEWTFILTER, RTM_DELTFILTER, CREATE_EXCL_ACK, ACK = 44, 45, 0x605, 5
TCA_KIND, TCA_OPTIONS, TCA_BPF_FD, TCA_BPF_NAME, TCA_BPF_FLAGS, ACT_DIRECT = 1, 2, 6, 7, 8, 1
PARENTS = {"ingress": 0xFFFFFFF2, "egress": 0xFFFFFFF3}
ETH_P_ALL = 3

libc = ctypes.CDLL(None, use_errno=True)
kept = []


def bpf(command, attributes):
    attributes = ctypes.create_string_buffer(attributes + bytes(128))
    result = libc.syscall(SYS_BPF, command, attributes, len(attributes))
    if result < 0:
        raise OSError(ctypes.get_errno(), f"bpf({command})")
    return result


def address(data):
    kept.append(ctypes.create_string_buffer(data, len(data)))
    return ctypes.addressof(kept[-1])


def instruction(code, destination=0, source=0, offset=0, immediate=0):
    return struct.pack("<BBhi", code, source << 4 | destination, offset, immediate)


def load(instructions):
    program = b"".join(instructions)
    attributes = struct.pack("<IIQQ", BPF_PROG_TYPE_SCHED_CLS, len(program) // 8, address(program), address(b"GPL\0"))
    return bpf(BPF_PROG_LOAD, attributes)


# TC_ACT_UNSPEC: the filters behind it see the packet too.
go_on = [instruction(0xB7, 0, immediate=-1), instruction(0x95)]


def setter(field, value):
    offset, size = FIELDS[field]
    if field not in HELPERS:
        return [instruction(0xB7, 2, immediate=value), instruction(0x7B if size == 8 else 0x63, 1, 2, offset), *go_on]
    helper, before = HELPERS[field]
    arguments = [instruction(0xB7, 2 + i, immediate=argument) for i, argument in enumerate([*before, value])]
    return [*arguments, instruction(0x85, immediate=helper), *go_on]


def counter(field, value, counts):
    offset, size = FIELDS[field]
    count = [
        instruction(0xB7, 2), instruction(0x63, 10, 2, -4),  # key 0
        instruction(0x18, 1, 1, immediate=counts), instruction(0),  # the map
        instruction(0xBF, 2, 10), instruction(0x07, 2, immediate=-4),
        instruction(0x85, immediate=1),  # bpf_map_lookup_elem
        instruction(0x15, 0, offset=2),
        instruction(0xB7, 1, immediate=1), instruction(0xDB, 0, 1),
    ]
    return [
        instruction(0x79 if size == 8 else 0x61, 2, 1, offset),
        instruction(0x55, 2, offset=len(count), immediate=value),
        *count, *go_on,
    ]


def attribute(type, data):
    return struct.pack("HH", 4 + len(data), type) + data + bytes(-len(data) % 4)


netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)


def filter(type, flags, device, parent, priority, options=b""):
    body = struct.pack("BxxxiIII", 0, socket.if_nametoindex(device), 0, parent, priority << 16 | socket.htons(ETH_P_ALL))
    body += attribute(TCA_KIND, b"bpf\0") + options
    netlink.send(struct.pack("IHHII", 16 + len(body), type, flags, 1, 0) + body)
    error = struct.unpack_from("i", netlink.recv(65536), 16)[0]
    if error:
        raise OSError(-error, os.strerror(-error))


device, hook, priority, what, field, value = sys.argv[1:]
place = (device, PARENTS[hook], int(priority))
try:
    counts = bpf(BPF_MAP_CREATE, struct.pack("<IIII", BPF_MAP_TYPE_ARRAY, 4, 8, 1))
    program = load(setter(field, int(value)) if what == "set" else counter(field, int(value), counts))
    options = attribute(TCA_BPF_FD, struct.pack("I", program)) + attribute(TCA_BPF_NAME, field.encode() + b"\0")
    options += attribute(TCA_BPF_FLAGS, struct.pack("I", ACT_DIRECT))
    filter(RTM_NEWTFILTER, CREATE_EXCL_ACK, *place, attribute(TCA_OPTIONS, options))
    print("attached", flush=True)
except OSError as error:
    print(f"refused: {error}", flush=True)
    sys.exit()
found = ctypes.create_string_buffer(8)
for _ in sys.stdin:
    bpf(BPF_MAP_LOOKUP_ELEM, struct.pack("<IxxxxQQ", counts, address(bytes(4)), ctypes.addressof(found)))
    print(struct.unpack("<Q", found.raw)[0], flush=True)
filter(RTM_DELTFILTER, ACK, *place)
