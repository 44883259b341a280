"""Loads an eBPF classifier that returns 0, and pins it at the path given, which is in a bpffs."""
import ctypes
import struct
import sys

BPF_PROG_LOAD, BPF_OBJ_PIN, BPF_PROG_TYPE_SCHED_CLS = 5, 6, 3
SYS_BPF = 321  # x86-64

libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, attributes):
    result = libc.syscall(SYS_BPF, command, ctypes.create_string_buffer(attributes), len(attributes))
    if result < 0:
        sys.exit(f"bpf({command}): error {ctypes.get_errno()}")
    return result


# r0 = 0; exit
program = ctypes.create_string_buffer(struct.pack("<BBhiBBhi", 0xB7, 0, 0, 0, 0x95, 0, 0, 0))
license = ctypes.create_string_buffer(b"GPL")
path = ctypes.create_string_buffer(sys.argv[1].encode())
addresses = ctypes.addressof(program), ctypes.addressof(license)
loaded = bpf(BPF_PROG_LOAD, struct.pack("<IIQQIIQII16s", BPF_PROG_TYPE_SCHED_CLS, 2, *addresses, 0, 0, 0, 0, 0, b"golden"))
bpf(BPF_OBJ_PIN, struct.pack("<QII", ctypes.addressof(path), loaded, 0))
