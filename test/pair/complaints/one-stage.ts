import { stageOf } from './stage.ts'

const bodies = { bodyMax: '64MiB', bodiesMax: '128MiB', bodyTimeout: '60s' }

/** The stage of all subjects that can share one: to start a pair costs more than most of its tests. */
export const stage = stageOf({
  pool: {
    // Connections are let go almost as soon as they are idle: the next call needs others.
    keepAlive: '2ms',
    // Longer than any test: who leaves meanwhile leaves a call that is waiting.
    retry: { attempts: 3, base: '10m', max: '10m', budgetPercent: 100, budgetFloor: 100 },
    prices: { tiny: { input: 1, output: 2 } },
  },
  sidecar: { ...bodies, keepAlive: '2ms', connectionMaxAge: '1s', count: { wait: '30s' } },
  ambassador: bodies,
})
