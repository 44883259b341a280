import { readFileSync } from 'node:fs'
import t from 'tap'
import {
  inetDiagAttributes,
  inetDiagMeminfo,
  inetDiagMsg,
  inetDiagReqV2,
  inetDiagRequestAttributes,
  inetDiagSockid,
  tcpBbrInfo,
  tcpDctcpInfo,
  tcpvegasInfo,
  ulpInfo,
} from '../../src/sock-diag/inet-diag.js'
import { tcpInfoStruct } from '../../src/sock-diag/tcp-info.js'
import { sameLayout, sameNumbers } from '../helpers/abi.js'
import { hasCompiler } from '../helpers/c-values.js'

const HEADERS = ['linux/inet_diag.h', 'linux/sock_diag.h', 'linux/tcp.h']

t.test('attributes have the numbers of the kernel', hasCompiler(), async t => {
  sameNumbers(t, HEADERS, [inetDiagAttributes, inetDiagRequestAttributes, ulpInfo])
})

t.test('structs have the layout of the kernel', hasCompiler(), async t => {
  sameLayout(t, HEADERS, 'inet_diag_sockid', inetDiagSockid, { prefix: 'idiag_' })
  sameLayout(t, HEADERS, 'inet_diag_req_v2', inetDiagReqV2, {
    prefix: 'idiag_',
    renamed: { family: 'sdiag_family', protocol: 'sdiag_protocol', id: 'id' },
  })
  sameLayout(t, HEADERS, 'inet_diag_msg', inetDiagMsg, { prefix: 'idiag_', renamed: { id: 'id' } })
  sameLayout(t, HEADERS, 'inet_diag_meminfo', inetDiagMeminfo, { prefix: 'idiag_' })
  sameLayout(t, HEADERS, 'tcpvegas_info', tcpvegasInfo, { prefix: 'tcpv_' })
  sameLayout(t, HEADERS, 'tcp_dctcp_info', tcpDctcpInfo, { prefix: 'dctcp_' })
  sameLayout(t, HEADERS, 'tcp_bbr_info', tcpBbrInfo, { prefix: 'bbr_' })
})

t.test('struct tcp_info has the layout of the kernel, as far as these headers know it', hasCompiler(), async t => {
  const header = readFileSync('/usr/include/linux/tcp.h', 'utf8')
  const known = (member: string): boolean =>
    header.includes(`tcpi_${member.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)};`)
  const bitFields = ['wscales', 'deliveryFlags']
  const newer = ['rcvWnd', 'rehash', 'totalRto', 'totalRtoRecoveries', 'totalRtoTime']
  const unknown = Object.keys(tcpInfoStruct.offsets).filter(member => !bitFields.includes(member) && !known(member))
  t.ok(
    unknown.every(member => newer.includes(member)),
    `only newer members may be missing: ${unknown.join(' ')}`,
  )
  sameLayout(t, HEADERS, 'tcp_info', tcpInfoStruct, { prefix: 'tcpi_', without: [...bitFields, ...unknown] })
  t.equal(tcpInfoStruct.size, 248, 'as of Linux 6.7')
})
