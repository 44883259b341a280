/** `rtnetlink-cni/http`: what rtnetlinkd's HTTP server is made of, for other agents that serve root alone on a host with containers. */
export { isFromContainer, readToken, refusalOf, type Admission, type Refusal } from './access.js'
export { answer } from './answer.js'
export { IDLE_MS, LIMITS, MAX_CONNECTIONS } from './limits.js'
export { listenOnDescriptor, listenOnPort, listenOnSocket, namesOf } from './listen.js'
