import type { Capture } from './capture.js'

/** What `ss` asks for; the answers come in two families, and the last request is that of IPv6. */
export const sockets: readonly Capture[] = [
  { about: 'connections', command: 'ss -tn' },
  { about: 'all of TCP, with everything', command: 'ss -4 -tanmieo' },
  { about: 'UDP', command: 'ss -uan' },
  { about: 'a range of ports', command: "ss -4 -tan 'sport >= :31000 and sport <= :31007'" },
  { about: 'MPTCP', command: 'ss -4 -Man' },
]
