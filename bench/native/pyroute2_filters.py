"""The filters by pyroute2, one by one. Prints the nanoseconds each took as a JSON array.

    pyroute2_filters.py <ifindex> <ifindex to redirect to> <destination address> <first port> <tables> <per table>
"""

import ipaddress
import json
import sys
import time

from pyroute2 import IPRoute
from pyroute2.protocols import ETH_P_IP

INGRESS = 0xFFFF0000
IP_DESTINATION = 16
L4_PORTS = 20


def add_filter(ip, ifindex, target, address, priority, node, port):
    ip.tc(
        'add-filter',
        'u32',
        ifindex,
        handle=node,
        parent=INGRESS,
        prio=priority,
        protocol=ETH_P_IP,
        target=0,  # pyroute2 always sends a class; 0 is none
        keys=[f'0x{address:08x}/0xffffffff+{IP_DESTINATION}', f'0x{port:08x}/0x0000ffff+{L4_PORTS}'],
        action={'kind': 'mirred', 'direction': 'egress', 'action': 'redirect', 'ifindex': target},
    )


def main(ifindex, target, address, first_port, tables, per_table):
    samples = []
    with IPRoute() as ip:
        for i in range(tables * per_table):
            priority, node = i // per_table + 1, i % per_table + 1
            began = time.perf_counter_ns()
            add_filter(ip, ifindex, target, address, priority, node, first_port + i)
            samples.append(time.perf_counter_ns() - began)
    print(json.dumps(samples))


ifindex, target, address, *numbers = sys.argv[1:]
main(int(ifindex), int(target), int(ipaddress.IPv4Address(address)), *map(int, numbers))
