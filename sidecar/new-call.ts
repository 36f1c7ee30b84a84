import type { SidecarCall } from './call.ts'

const noMembers: SidecarCall['members'] = new Map()

/** Until a route is found. */
const noFallback: SidecarCall['fallback'] = { on: [], within: 0, whole: undefined, unknown: 'next' }

type Opening = Pick<SidecarCall, 'cancellation' | 'clock' | 'snapshot'>

/** A call of which nothing is known yet. */
export function newCall({ cancellation, clock, snapshot }: Opening): SidecarCall {
  const startedMs = clock.now()
  return {
    clock,
    cancellation,
    startedMs,
    snapshot,
    id: clock.id(),
    deadlineMs: startedMs + (snapshot?.config.sidecar.deadline ?? 0),
    error: undefined,
    atEnd: [],
    surface: undefined,
    modelAsked: '',
    isStream: false,
    isShortened: false,
    question: undefined,
    members: noMembers,
    input: { tokens: 0, exactness: 'estimate' },
    chain: [],
    isBound: false,
    fallback: noFallback,
    route: undefined,
    isLastLink: true,
    mayGuess: false,
    patienceMs: undefined,
    turnMs: undefined,
    attemptsUntil: snapshot?.config.sidecar.attemptsMax ?? 1,
    countUntilMs: undefined,
    passedOver: [],
    endTurn: undefined,
    attempts: 0,
    providerAttempts: 0,
    headMs: undefined,
    usage: undefined,
    isCut: false,
    replay: undefined,
    span: undefined,
  }
}
