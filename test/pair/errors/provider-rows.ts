import { type Rows, refusing } from './row.ts'
import type { Question } from './sdks.ts'
import type { ProviderStage } from './stages.ts'

const raisedBy = ({ pair }: ProviderStage) => pair.ambassador

function under(fault: string): Question {
  return { headers: { 'x-sim-fault': fault } }
}

/** A question whose answer would be a stream. */
function streamed(fault: string): Question {
  return { ...under(fault), stream: true }
}

function fromStandIn(kind: string) {
  const asked = { model: 'stand-in', headers: { 'x-stand-in': kind } }
  return refusing(asked, { raisedBy: ({ standIn }: ProviderStage) => standIn })
}

/**
 * What stands behind the ambassador did, before the first content and behind it: far behind, for tokens that
 * come in one piece with the failure were never content.
 */
export const providerRows = {
  'connect-failed': refusing({ model: 'gone' }, { raisedBy: ({ gone }) => gone }),
  'connect-timeout': refusing({ model: 'silent' }, { raisedBy: ({ silent }) => silent }),
  'upstream-untrusted': refusing(
    { model: 'untrusted' },
    { writer: 'lasting', raisedBy: ({ untrusted }) => untrusted },
  ),
  'head-timeout': refusing(under('stall-head'), { raisedBy }),
  'first-content-timeout': refusing(streamed('stall=1'), { raisedBy }),
  'idle-timeout': refusing(under('stall=1'), { raisedBy, event: under('stall=5') }),
  'upstream-reset': refusing(under('reset=0'), { raisedBy, event: under('reset=18') }),
  'upstream-early-end': refusing(streamed('eof=0'), { raisedBy, event: under('eof=18') }),
  'upstream-garbage': refusing(streamed('garbage=0'), { raisedBy, event: under('garbage=18') }),
  'upstream-redirect': fromStandIn('redirect'),
  // One that asks for fewer tokens: it says nothing about the next call with the key.
  'provider-exhausted': refusing(
    { model: 'keyed', headers: { 'x-stand-in': 'exhausted' } },
    { raisedBy: ({ keyed }) => keyed },
  ),
  'upstream-refused': fromStandIn('refused'),
  'upstream-aborted': refusing(under('abort=2'), { raisedBy, event: under('abort=18') }),
  'upstream-failed': fromStandIn('failed'),
} as const satisfies Rows<ProviderStage>
