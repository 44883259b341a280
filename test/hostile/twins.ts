/** Checks of IPv4 that none of IPv6 is beside, and why. */
const ALIKE = 'no IP in it: what it tries, it tries of a host with IPv6 too'
const ONE_LOOPBACK = 'IPv6 has one loopback address'

export const WITHOUT_TWIN: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [
      'E01',
      'E02',
      'E03',
      'E04',
      'E05',
      'E06',
      'E07',
      'E08',
      'E09',
      'E10',
      'E11',
      'E12',
      'E13',
      'A31',
      'A32',
    ].map(id => [id, ALIKE]),
  ),
  ...Object.fromEntries(
    ['L32', 'L33', 'L34', 'H01', 'H02', 'H10', 'H11', 'H12', 'H13', 'H14'].map(id => [id, ONE_LOOPBACK]),
  ),
  ...Object.fromEntries(
    ['ARP6', 'ARP7', 'ARP8', 'ARP10', 'ARP11', 'ARP12', 'ARP13'].map(id => [
      id,
      'a field of ARP that neighbour discovery has not; its options are NS8 to NS12',
    ]),
  ),
  T09: 'the header has no length',
  T10: 'the header has no length',
  T12: 'the length does not count the header',
  S02: 'no broadcast: A19, D02 and S03 are its twins',
  H09: 'no broadcast: H08 is its twin',
  D04: 'no addresses are reserved like 240.0.0.0/4',
  L25: 'routers do not fragment, so no packet has to forbid it',
  'A26.4': 'no source quench',
  'A26.18': 'no address masks',
  R22: 'IPv6 itself',
  X06: 'IPv6 itself: X09 switches it off instead',
}
