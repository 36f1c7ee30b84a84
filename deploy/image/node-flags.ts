/**
 * Node's flags for a sidecar, which stands beside every application pod, so that its memory counts
 * as often. Whoever starts one passes them before the entry. An ambassador runs with Node's defaults.
 *
 * - Semi-spaces of 8 MiB: with V8's 16 the young generation takes most of the process; with 1 a
 *   quarter of the CPU goes to scavenges, and objects are promoted that die right after; with 4 that
 *   makes 2,000 streams wait for full collections, 0.1 to 0.3 s each. What a sidecar takes with both
 *   flags is in test/bench/results.
 * - One V8 worker thread, not four: a sidecar is given a core at most.
 */
export const sidecarNodeFlags: readonly string[] = ['--max-semi-space-size=8', '--v8-pool-size=1']
