import { noUsage } from '#shared/dialects/usage.ts'
import type { AmbassadorCall } from './call.ts'

const noBill: AmbassadorCall['bill'] = { modifiers: [], usageObject: undefined }
const noValues: AmbassadorCall['bodyValues'] = new Map()

type Opening = Pick<AmbassadorCall, 'cancellation' | 'clock' | 'provider' | 'snapshot' | 'tokens'>

/** A call of which nothing is known yet. */
export function newCall(opening: Opening): AmbassadorCall {
  const startedMs = opening.clock.now()
  return {
    ...opening,
    startedMs,
    id: '',
    deadlineMs: startedMs,
    error: undefined,
    atEnd: [],
    tenant: '',
    workload: '',
    pod: undefined,
    class: 'interactive',
    surface: undefined,
    modelAsked: '',
    model: '',
    adapter: undefined,
    modelServed: undefined,
    isStream: false,
    isModelNear: false,
    bodyValues: noValues,
    inputEstimate: 0,
    price: undefined,
    seller: undefined,
    bill: noBill,
    admission: undefined,
    outputCap: undefined,
    outputMax: undefined,
    background: undefined,
    late: undefined,
    session: undefined,
    owner: undefined,
    credential: undefined,
    patienceUntilMs: startedMs,
    attemptsBefore: 0,
    attemptsMax: 1,
    earlier: noUsage,
    attempts: 0,
    unreached: 0,
    mayBeBilled: false,
    replica: undefined,
    replicasTried: [],
    onHead: undefined,
    resumption: undefined,
    usage: undefined,
    isWhole: false,
    providerMs: 0,
    firstContentMs: undefined,
    finishReason: undefined,
    streamWatch: undefined,
    span: undefined,
  }
}
