import { createHash } from 'node:crypto'
import t, { type TAP as Tap } from 'tap'
import { PortRanges } from '../../src/isolator/ports/port-ranges.js'
import { dropAll } from '../../src/isolator/programs/drop-all.js'
import { inside } from '../../src/isolator/programs/inside.js'
import { local } from '../../src/isolator/programs/local.js'
import { martian } from '../../src/isolator/programs/martian.js'
import { vid0 } from '../../src/isolator/programs/vid0.js'
import { wire } from '../../src/isolator/programs/wire.js'
import { fromBytecode, toBytecode } from '../../src/tc/classic-bpf/bytecode.js'
import type { Program } from '../../src/tc/classic-bpf/program.js'
import { containerGoldens, hostGoldens } from './programs-goldens.js'

const matchesGolden = (
  t: Pick<Tap, 'equal' | 'strictSame'>,
  program: Program,
  golden: string,
  name: string,
) => {
  const bytecode = toBytecode(program)
  const sha256 = `sha256:${createHash('sha256').update(bytecode).digest('hex')}`
  t.equal(golden.startsWith('sha256:') ? sha256 : bytecode, golden, name)
  t.strictSame(fromBytecode(bytecode), program, `${name} survives its text form`)
}

for (const golden of hostGoldens) {
  t.test(`host programs for ${[golden.address, ...(golden.hostAddresses ?? [])].join(' ')}`, async t => {
    matchesGolden(t, martian(golden.address, golden.hostAddresses), golden.martian, 'MARTIAN')
    matchesGolden(t, vid0, golden.vid0, 'VID0')
    matchesGolden(t, dropAll, golden.dropAll, 'DROP')
  })
}

for (const golden of containerGoldens) {
  t.test(`container programs: ${golden.about}`, async t => {
    const { address, hostAddresses, mac, fragments, multicast } = golden
    const ports = PortRanges.from(golden.ports)
    const hostAccess = golden.hostAccess && {
      services: PortRanges.from(golden.hostAccess.services),
      managed: PortRanges.from(golden.hostAccess.managed),
      hostEphemeral: PortRanges.from(golden.hostAccess.hostEphemeral),
    }
    matchesGolden(t, local({ address, hostAddresses, mac, ports, hostAccess }), golden.local, 'LOCAL')
    matchesGolden(t, wire({ address, hostAddresses, mac, ports, fragments, multicast }), golden.wire, 'WIRE')
    matchesGolden(t, inside({ address, hostAddresses, ports }), golden.inside, 'INSIDE')
  })
}
