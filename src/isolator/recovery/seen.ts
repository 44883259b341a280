import type { NetworkNamespace } from '../../netns/network-namespace.js'
import type { RtnetlinkSocket } from '../../rtnetlink-socket.js'
import type { Filter } from '../../tc/index.js'
import type { HostSide } from '../host/context.js'
import { ourFilters } from '../host/filters.js'
import { loopbackHook, publicFlows, publicHook, readHoldings, type Holdings } from '../host/holdings.js'
import { filtersAt } from '../kernel/filters-at.js'
import { unlessGone } from '../kernel/unless-gone.js'
import { containerNode } from '../layout/container-node.js'
import { ANSWERS, FLOW_QDISC } from '../layout/layout.js'
import type { ContainerFacts, HostPlaces } from '../plan/facts.js'
import { notedPorts } from '../plan/container-note.js'
import { factsOf, foundBySlot, isComplete, newestOfEachId, type Found } from './found.js'
import { filtersIn, surveyOf, type Survey } from './survey.js'

/** What a host has of containers, found by what the kernel holds alone: without options, and whatever state it is in. */
export interface SeenContainers {
  /** The host's namespace. */
  readonly netns: NetworkNamespace
  readonly holdings: Holdings
  readonly survey: Survey
  /** The veths with a name of ours, each with the nodes that lead to it. */
  readonly found: readonly Found[]
  /** Complete containers, and those whose link is down, by slot. */
  readonly listed: readonly ContainerFacts[]
  readonly places: HostPlaces
}

/**
 * What the kernel has of containers, wherever it is: those of other options than the caller's, and of other public interfaces
 * before, too.
 */
export const readSurvey = async (host: HostSide): Promise<Survey> =>
  (await seeContainers(host, await readHoldings(host.rt))).survey

/** Reads what a host has of containers, and the filters that lead to them. */
export async function seeContainers(host: HostSide, holdings: Holdings): Promise<SeenContainers> {
  const { netns, rt } = host
  const { links, hooks, loopback } = holdings
  const [wire, flows] = [publicHook(holdings), publicFlows(holdings)]
  const filters = {
    publicFilters: hooks.filter(({ link }) => link.index !== loopback?.index).flatMap(hook => hook.filters),
    loopbackFilters: loopbackHook(holdings)?.filters ?? [],
    answerFilters: await ourFilters(rt, ANSWERS.far),
    flowFilters: await flowFiltersOf(rt, holdings),
  }
  const survey = await surveyOf(host, links, filters)
  const found = foundBySlot(
    survey.links,
    filtersIn(survey).flatMap(filter => containerNode(filter) ?? []),
  )
  const places = {
    publicInterface: wire?.link.name ?? '',
    loopbackInterface: holdings.loopback?.name ?? '',
    flowParent: flows && String(flows.parent),
  }
  return { netns, holdings, survey, found, places, listed: listedOf(found, survey, wire?.link.name) }
}

async function flowFiltersOf(rt: RtnetlinkSocket, { flows }: Holdings): Promise<Filter[]> {
  const lists = await Promise.all(
    flows.map(({ ifindex }) => unlessGone(() => filtersAt(rt, ifindex, FLOW_QDISC))),
  )
  return lists.flatMap(filters => filters ?? [])
}

/** Complete containers, and those whose link is down, by slot. */
function listedOf(
  found: readonly Found[],
  survey: Survey,
  publicInterface: string | undefined,
): ContainerFacts[] {
  const complete = newestOfEachId(found.filter(candidate => isComplete(candidate, publicInterface)))
  const down = found.filter(({ slot, link }) => !link.up && notedPorts(slot, link.alternativeNames))
  const facts = [...complete.values(), ...down].flatMap(container => factsOf(container, survey) ?? [])
  return facts.sort((a, b) => a.slot - b.slot)
}
