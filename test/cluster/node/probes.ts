import { get } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import type { ContainerSpec, Probe } from './pod.ts'

interface Asking {
  readonly ask: (probe: Probe) => Promise<boolean>
  readonly signal: AbortSignal
}

/** Whether the probe passes before it has failed as often as it may. */
export async function passes(probe: Probe | undefined, { ask, signal }: Asking): Promise<boolean> {
  if (probe === undefined) return true
  for (let failures = 0; failures < (probe.failureThreshold ?? 3); failures++) {
    if (await ask(probe)) return true
    if (!(await wait(probe.periodSeconds ?? 10, signal))) return false
  }
  return false
}

/** Tells the first verdict, and each time a verdict is reached. */
export async function watch(
  probe: Probe | undefined,
  { ask, signal }: Asking,
  onVerdict: (passes: boolean) => void,
): Promise<void> {
  if (probe === undefined) return onVerdict(true)
  let failures = 0
  if (!(await wait(probe.initialDelaySeconds ?? 0, signal))) return
  do {
    const passed = await ask(probe)
    if (signal.aborted) return
    failures = passed ? 0 : failures + 1
    if (passed) onVerdict(true)
    else if (failures >= (probe.failureThreshold ?? 3)) onVerdict(false)
  } while (await wait(probe.periodSeconds ?? 10, signal))
}

/** False once `signal` is aborted. */
export async function wait(seconds: number, signal: AbortSignal): Promise<boolean> {
  try {
    await pause(seconds * 1_000, undefined, { signal, ref: false })
    return true
  } catch {
    // The one way in which a pause fails.
    return false
  }
}

/** Asks as kubelet does: any status from 200 to 399 will do. What is no `httpGet` passes. */
export function answers(spec: ContainerSpec, probe: Probe, address: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  if (probe.httpGet === undefined) return Promise.resolve(true)
  const { path = '/', port, host = address } = probe.httpGet
  const named = spec.ports?.find(({ name }) => name === port)?.containerPort
  const signal = AbortSignal.timeout((probe.timeoutSeconds ?? 1) * 1_000)
  const options = { host, port: named ?? port, path, agent: false, signal }
  get(options, (answer) => {
    answer.resume()
    const status = answer.statusCode ?? 0
    resolve(status >= 200 && status < 400)
  }).on('error', () => resolve(false))
  return promise
}
