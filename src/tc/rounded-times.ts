/*
 * Times that the kernel keeps in units of its own. It rounds down when it is given a time, and again when it lists it:
 * what is listed as 4999 was given as 5000. These are what to give for a time of so many microseconds to be listed as
 * such.
 */

const givenFor = (microseconds: number, unit: number): number => {
  const units = Math.ceil((microseconds * 1000) / unit)
  return Math.min(Math.ceil((units * unit) / 1000), 0xffff_ffff)
}

/** Of codel and fq_codel: in units of 1024 ns (CODEL_SHIFT, include/net/codel.h). */
export const codelTime = (microseconds: number): number => givenFor(microseconds, 1024)

/** The target of pie and fq_pie: in ticks of 64 ns (PSCHED_NS2TICKS, include/net/pkt_sched.h). */
export const pieTime = (microseconds: number): number => givenFor(microseconds, 64)
