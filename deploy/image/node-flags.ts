/**
 * V8's compiler would give its memory back on another thread, behind all other work: by then next to
 * nothing of it is in use, but it lies scattered, and glibc never returns it.
 */
const compilerMemory = '--no-maglev-destroy-on-background'

/**
 * Node's flags for a sidecar, which stands beside every application pod, so that its memory counts
 * as often. Whoever starts one passes them before the entry.
 *
 * - Semi-spaces of 8 MiB: with V8's 16 the young generation takes most of the process; with 1 a call
 *   costs half as much CPU again, and objects are promoted that die right after; with 4 events among
 *   2,000 streams wait longer for collections.
 * - One V8 worker thread, not four: a sidecar is given a core at most.
 *
 * What a sidecar takes with them is in test/bench/results.
 */
export const sidecarNodeFlags: readonly string[] = [
  '--max-semi-space-size=8',
  '--v8-pool-size=1',
  compilerMemory,
]

/** Node's flags for an ambassador: its young generation is as large as V8 makes it. */
export const ambassadorNodeFlags: readonly string[] = [compilerMemory]
