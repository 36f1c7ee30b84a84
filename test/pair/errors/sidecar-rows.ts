import assert from 'node:assert/strict'
import { askForever, untilInFlight } from './occupy.ts'
import { defect, defectDetail } from './planted-defect.ts'
import { type Rows, refusing } from './row.ts'
import { asking } from './sdks.ts'
import { type ApplicationStage, applicationLimits } from './stages.ts'

const { callsMax, bodyBytes } = applicationLimits
const held = asking({ headers: { 'x-sim-fault': 'stall-head' } })

/** What the sidecar refuses of itself. The last row ends it. */
export const sidecarRows = {
  internal: {
    openai: ({ openai }) => openai.models.retrieve(defect),
    anthropic: ({ anthropic }) => anthropic.models.retrieve(defect),
    meanwhile: logsDefect,
  },
  'not-configured': {
    openai: (_sdks, { unconfigured }) => asking({}).openai(unconfigured),
    anthropic: (_sdks, { unconfigured }) => asking({}).anthropic(unconfigured),
  },
  // Behind no target: with tries before it, the SDKs are told not to try again.
  'refused-by-chain': refusing({ model: 'refusing' }),
  overloaded: refusing({}, { given: (stage) => askForever(stage, { count: callsMax, bytes: 1 }) }),
  'bodies-full': refusing(
    { content: 'x'.repeat(10_000) },
    { given: (stage) => askForever(stage, { count: 1, bytes: bodyBytes - 8_000 }) },
  ),
  draining: {
    ...held,
    // It goes on serving its own pod, and cuts what is left at the end of its grace.
    meanwhile: async ({ pair }) => {
      await untilInFlight(pair.sidecar, 2)
      pair.sidecar.signal('SIGTERM')
    },
  },
} as const satisfies Rows<ApplicationStage>

/** Where it came from is logged; what it said may be a prompt, and is not. */
async function logsDefect({ pair: { sidecar } }: ApplicationStage): Promise<void> {
  const { frames, name } = await sidecar.line(({ msg }) => String(msg).startsWith('defect'))
  assert.equal(name, 'TypeError')
  assert.match(JSON.stringify(frames), /at \S* ?\(.*sidecar\/(?:answer\.ts|main\.js):/)
  assert.ok(!sidecar.output.includes(defectDetail))
}
