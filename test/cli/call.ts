import { type CommandCall, Options, type Outcome } from '#deploy/cli/command.ts'
import { type ManualClock, manualClock } from '../manual-clock.ts'
import { type ScriptedCluster, wallMs } from './healthy-cluster.ts'

export interface CallOptions {
  readonly options?: Readonly<Record<string, string>>
  readonly operands?: readonly string[]
  readonly namespace?: string
  readonly input?: string
  readonly clock?: ManualClock
}

export interface Called extends Outcome {
  readonly told: string
}

/** Runs a command against a scripted cluster. */
export async function call(
  command: (call: CommandCall) => Promise<Outcome>,
  { api }: ScriptedCluster,
  { options = {}, operands = [], namespace, input = '', clock = manualClock() }: CallOptions = {},
): Promise<Called> {
  let told = ''
  const outcome = await command({
    options: new Options(new Map(Object.entries(options))),
    operands,
    namespace,
    cluster: async () => ({
      api,
      namespace: 'default',
      systemNamespace: 'outrigger-system',
      close: () => undefined,
    }),
    terminal: {
      write: () => undefined,
      tell: (text) => {
        told += text
      },
      input: () => Promise.resolve(input),
      isColoured: false,
      environment: {},
      clock: { ...clock, wall: () => wallMs + clock.now() },
    },
  })
  return { ...outcome, told }
}
