import { pause } from '#shared/call/pause.ts'
import { parseDuration } from '#shared/config/units.ts'
import { KubernetesError } from '#shared/kubernetes/kubernetes-error.ts'
import type { CommandCall, Outcome } from '../command.ts'
import { exits, misuse } from '../terminal/failure.ts'
import { counted, duration, table } from '../terminal/table.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { behindIn, type Survey, survey } from './survey.ts'

const timeoutMsDefault = 5 * 60_000
/** A sidecar takes up to 90 s and tells of it within 60 s: more often tells nothing sooner. */
const pollMs = 2_000
/** Progress is told at most so often where nothing changes. */
const tellMs = 15_000

/** `outrigger config status`: who runs the configuration, at once or until all do. */
export async function configStatus(call: CommandCall): Promise<Outcome> {
  const timeoutMs = timeoutOf(call.options.text('timeout'))
  const cluster = await call.cluster()
  const look = () => survey(cluster, call.terminal.clock.wall(), call.namespace)
  const seen = call.options.has('wait')
    ? await waited(look, timeoutMs, call.terminal)
    : await look()
  const behind = behindIn(seen)
  const isLate = call.options.has('wait') && behind > 0
  const late = isLate ? `\nNot all of them within ${duration(timeoutMs)}.\n` : ''
  return {
    exit: behind === 0 ? exits.ok : exits.found,
    text: textOf(seen) + late,
    data: { ...seen, behind },
  }
}

function timeoutOf(text: string | undefined): number {
  if (text === undefined) return timeoutMsDefault
  const parsed = parseDuration(text)
  if (parsed.ok && parsed.value > 0) return parsed.value
  throw misuse(`Option --timeout does not know '${text}'.`, 'Write a number and a unit: 90s, 5m.')
}

/** Looks again until nobody is behind or the time is over; gives what was seen last. */
async function waited(
  look: () => Promise<Survey>,
  timeoutMs: number,
  { clock, tell }: Terminal,
): Promise<Survey> {
  const endMs = clock.now() + timeoutMs
  let told = ''
  let toldMs = 0
  for (;;) {
    const seen = await patient(look, endMs, clock)
    const behind = behindIn(seen)
    if (behind === 0 || clock.now() >= endMs) return seen
    const line = `${seen.pods.length - behind} of ${counted(seen.pods.length, 'pod')} run ${seen.hash}\n`
    if (line !== told || clock.now() - toldMs >= tellMs) {
      tell(line)
      told = line
      toldMs = clock.now()
    }
    await pause(clock, Math.min(pollMs, endMs - clock.now()))
  }
}

/** An API server that is away for a moment ends no wait. */
async function patient(
  look: () => Promise<Survey>,
  endMs: number,
  clock: Terminal['clock'],
): Promise<Survey> {
  for (;;) {
    try {
      return await look()
    } catch (error) {
      const isPassing =
        error instanceof KubernetesError && (error.status === 0 || error.status >= 500)
      if (!isPassing || clock.now() + pollMs >= endMs) throw error
      await pause(clock, pollMs)
    }
  }
}

function textOf({ hash, pods, staleAmbassadors, silent }: Survey): string {
  const behind = pods.filter(({ isCurrent }) => !isCurrent)
  const head = `${pods.length - behind.length} of ${counted(pods.length, 'pod')} run ${hash}.\n`
  const rows = behind.map(({ pod, config, version, why }) => [
    pod,
    config === '' ? '-' : config,
    version === '' ? '-' : version,
    why,
  ])
  const late = rows.length === 0 ? '' : `\n${table(['POD', 'RUNS', 'VERSION', 'WHY'], rows)}`
  const stale = staleAmbassadors.map(
    ({ ambassador, hash: runs }) => `Ambassador ${ambassador} runs file ${runs}, not the newest.\n`,
  )
  const unasked = silent.map(
    ({ ambassador, reason }) => `Ambassador ${ambassador} was not asked: ${reason}.\n`,
  )
  return [head, late, ...stale, ...unasked].join('')
}
