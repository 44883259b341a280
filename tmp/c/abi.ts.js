import * as tca from '/work/main/src/tc/tca.ts';
import * as st from '/work/main/src/tc/statistics.ts';
import * as act from '/work/main/src/tc/action.ts';
import * as gen from '/work/main/src/tc/actions/generic.ts';
import * as gact from '/work/main/src/tc/actions/gact.ts';
import * as mir from '/work/main/src/tc/actions/mirred.ts';
import * as bpf from '/work/main/src/tc/kinds/bpf.ts';
import * as u32 from '/work/main/src/tc/kinds/u32.ts';
import * as htb from '/work/main/src/tc/kinds/htb.ts';
import * as tbf from '/work/main/src/tc/kinds/tbf.ts';
import * as fq from '/work/main/src/tc/kinds/fq-codel.ts';
import * as fifo from '/work/main/src/tc/kinds/fifo.ts';
import * as rate from '/work/main/src/tc/rate.ts';
import * as key from '/work/main/src/tc/u32-key.ts';
import * as bf from '/work/main/src/tc/bitfield.ts';
import { binary } from '/work/main/src/netlink/codec/index.ts';
import { writeFileSync } from 'node:fs';
const snake = (s) => s.replace(/[A-Z]/g, c => '_' + c.toLowerCase());
const mods = [tca, st, act, gen, gact, mir, bpf, u32, htb, tbf, fq, fifo, rate, key, bf];
const special = {};
const prefix = { tcmsg: 'tcm_' };
let c = '#include <stdio.h>\n#include <stddef.h>\n#include <linux/rtnetlink.h>\n#include <linux/pkt_cls.h>\n#include <linux/pkt_sched.h>\n#include <linux/gen_stats.h>\n#include <linux/filter.h>\n#include <linux/netlink.h>\n#include <linux/tc_act/tc_gact.h>\n#include <linux/tc_act/tc_mirred.h>\nint main(void){\n';
const check = (e, v, what) => { c += `if ((long)(${e}) != ${v}) printf("%s: C %ld ours ${v}\\n", "${what}", (long)(${e}));\n`; };
const sets = [tca.tcaAttributes(binary, binary), st.statsAttributes(binary)];
for (const m of mods)
    for (const [name, v] of Object.entries(m)) {
        if (v && v.declarations)
            sets.push(v);
        if (v && v.offsets) {
            const s = snake(name).replace('_bitfield32', '_bitfield32').replace('rate_est64', 'rate_est64');
            check(`sizeof(struct ${s})`, v.size, s);
            for (const [mname, off] of Object.entries(v.offsets)) {
                if (mname.startsWith('pad'))
                    continue;
                check(`offsetof(struct ${s}, ${(prefix[s] ?? '') + snake(mname)})`, off, `${s}.${mname}`);
            }
        }
    }
for (const set of sets)
    for (const [n, t] of Object.values(set.declarations))
        check(n, t, n);
c += 'puts("done");return 0;}\n';
writeFileSync('/tmp/c/abi.c', c);
//# sourceMappingURL=data:application/json;base64,eyJ2ZXJzaW9uIjozLCJmaWxlIjoiYWJpLmpzIiwic291cmNlUm9vdCI6IiIsInNvdXJjZXMiOlsiYWJpLnRzIl0sIm5hbWVzIjpbXSwibWFwcGluZ3MiOiJBQUFBLE9BQU8sS0FBSyxHQUFHLE1BQU0sMEJBQTBCLENBQUE7QUFDL0MsT0FBTyxLQUFLLEVBQUUsTUFBTSxpQ0FBaUMsQ0FBQTtBQUNyRCxPQUFPLEtBQUssR0FBRyxNQUFNLDZCQUE2QixDQUFBO0FBQ2xELE9BQU8sS0FBSyxHQUFHLE1BQU0sc0NBQXNDLENBQUE7QUFDM0QsT0FBTyxLQUFLLElBQUksTUFBTSxtQ0FBbUMsQ0FBQTtBQUN6RCxPQUFPLEtBQUssR0FBRyxNQUFNLHFDQUFxQyxDQUFBO0FBQzFELE9BQU8sS0FBSyxHQUFHLE1BQU0sZ0NBQWdDLENBQUE7QUFDckQsT0FBTyxLQUFLLEdBQUcsTUFBTSxnQ0FBZ0MsQ0FBQTtBQUNyRCxPQUFPLEtBQUssR0FBRyxNQUFNLGdDQUFnQyxDQUFBO0FBQ3JELE9BQU8sS0FBSyxHQUFHLE1BQU0sZ0NBQWdDLENBQUE7QUFDckQsT0FBTyxLQUFLLEVBQUUsTUFBTSxxQ0FBcUMsQ0FBQTtBQUN6RCxPQUFPLEtBQUssSUFBSSxNQUFNLGlDQUFpQyxDQUFBO0FBQ3ZELE9BQU8sS0FBSyxJQUFJLE1BQU0sMkJBQTJCLENBQUE7QUFDakQsT0FBTyxLQUFLLEdBQUcsTUFBTSw4QkFBOEIsQ0FBQTtBQUNuRCxPQUFPLEtBQUssRUFBRSxNQUFNLCtCQUErQixDQUFBO0FBQ25ELE9BQU8sRUFBRSxNQUFNLEVBQUUsTUFBTSx1Q0FBdUMsQ0FBQTtBQUM5RCxPQUFPLEVBQUUsYUFBYSxFQUFFLE1BQU0sU0FBUyxDQUFBO0FBQ3ZDLE1BQU0sS0FBSyxHQUFHLENBQUMsQ0FBUyxFQUFFLEVBQUUsQ0FBQyxDQUFDLENBQUMsT0FBTyxDQUFDLFFBQVEsRUFBRSxDQUFDLENBQUMsRUFBRSxDQUFDLEdBQUcsR0FBRyxDQUFDLENBQUMsV0FBVyxFQUFFLENBQUMsQ0FBQTtBQUM1RSxNQUFNLElBQUksR0FBRyxDQUFDLEdBQUcsRUFBRSxFQUFFLEVBQUUsR0FBRyxFQUFFLEdBQUcsRUFBRSxJQUFJLEVBQUUsR0FBRyxFQUFFLEdBQUcsRUFBRSxHQUFHLEVBQUUsR0FBRyxFQUFFLEdBQUcsRUFBRSxFQUFFLEVBQUUsSUFBSSxFQUFFLElBQUksRUFBRSxHQUFHLEVBQUUsRUFBRSxDQUEwQixDQUFBO0FBQ2pILE1BQU0sT0FBTyxHQUEwQixFQUFFLENBQUE7QUFDekMsTUFBTSxNQUFNLEdBQTBCLEVBQUUsS0FBSyxFQUFFLE1BQU0sRUFBRSxDQUFBO0FBQ3ZELElBQUksQ0FBQyxHQUFHLGlUQUFpVCxDQUFBO0FBQ3pULE1BQU0sS0FBSyxHQUFHLENBQUMsQ0FBUyxFQUFFLENBQVMsRUFBRSxJQUFZLEVBQUUsRUFBRSxHQUFHLENBQUMsSUFBSSxjQUFjLENBQUMsUUFBUSxDQUFDLDRCQUE0QixDQUFDLFVBQVUsSUFBSSxhQUFhLENBQUMsT0FBTyxDQUFBLENBQUMsQ0FBQyxDQUFBO0FBQ3ZKLE1BQU0sSUFBSSxHQUFVLENBQUMsR0FBRyxDQUFDLGFBQWEsQ0FBQyxNQUFNLEVBQUUsTUFBTSxDQUFDLEVBQUUsRUFBRSxDQUFDLGVBQWUsQ0FBQyxNQUFNLENBQUMsQ0FBQyxDQUFBO0FBQ25GLEtBQUssTUFBTSxDQUFDLElBQUksSUFBSTtJQUFFLEtBQUssTUFBTSxDQUFDLElBQUksRUFBRSxDQUFDLENBQUMsSUFBSSxNQUFNLENBQUMsT0FBTyxDQUFDLENBQUMsQ0FBQyxFQUFFLENBQUM7UUFDaEUsSUFBSSxDQUFDLElBQUksQ0FBQyxDQUFDLFlBQVk7WUFBRSxJQUFJLENBQUMsSUFBSSxDQUFDLENBQUMsQ0FBQyxDQUFBO1FBQ3JDLElBQUksQ0FBQyxJQUFJLENBQUMsQ0FBQyxPQUFPLEVBQUUsQ0FBQztZQUNuQixNQUFNLENBQUMsR0FBRyxLQUFLLENBQUMsSUFBSSxDQUFDLENBQUMsT0FBTyxDQUFDLGFBQWEsRUFBRSxhQUFhLENBQUMsQ0FBQyxPQUFPLENBQUMsWUFBWSxFQUFDLFlBQVksQ0FBQyxDQUFBO1lBQzlGLEtBQUssQ0FBQyxpQkFBaUIsQ0FBQyxHQUFHLEVBQUUsQ0FBQyxDQUFDLElBQUksRUFBRSxDQUFDLENBQUMsQ0FBQTtZQUN2QyxLQUFLLE1BQU0sQ0FBQyxLQUFLLEVBQUUsR0FBRyxDQUFDLElBQUksTUFBTSxDQUFDLE9BQU8sQ0FBQyxDQUFDLENBQUMsT0FBaUMsQ0FBQyxFQUFFLENBQUM7Z0JBQy9FLElBQUksS0FBSyxDQUFDLFVBQVUsQ0FBQyxLQUFLLENBQUM7b0JBQUUsU0FBUTtnQkFDckMsS0FBSyxDQUFDLG1CQUFtQixDQUFDLEtBQUssQ0FBQyxNQUFNLENBQUMsQ0FBQyxDQUFDLElBQUksRUFBRSxDQUFDLEdBQUcsS0FBSyxDQUFDLEtBQUssQ0FBQyxHQUFHLEVBQUUsR0FBRyxFQUFFLEdBQUcsQ0FBQyxJQUFJLEtBQUssRUFBRSxDQUFDLENBQUE7WUFDM0YsQ0FBQztRQUNILENBQUM7SUFDSCxDQUFDO0FBQ0QsS0FBSyxNQUFNLEdBQUcsSUFBSSxJQUFJO0lBQUUsS0FBSyxNQUFNLENBQUMsQ0FBQyxFQUFFLENBQUMsQ0FBQyxJQUFJLE1BQU0sQ0FBQyxNQUFNLENBQUMsR0FBRyxDQUFDLFlBQVksQ0FBdUI7UUFBRSxLQUFLLENBQUMsQ0FBQyxFQUFFLENBQUMsRUFBRSxDQUFDLENBQUMsQ0FBQTtBQUNsSCxDQUFDLElBQUksMkJBQTJCLENBQUE7QUFDaEMsYUFBYSxDQUFDLGNBQWMsRUFBRSxDQUFDLENBQUMsQ0FBQSJ9