import { spawnSync } from 'node:child_process'
import { nodeAddress } from './node/sandbox.ts'
import { runTied } from './tied-process.ts'

/**
 * Namespaces of processes and network, so that nothing outlives the suite and no port is taken;
 * where a user may have no user namespace, root can do without.
 */
const ways = [
  ['unshare', '--user', '--map-root-user', '--net', '--pid', '--fork', '--kill-child'],
  ['unshare', '--net', '--pid', '--fork', '--kill-child'],
] as const

/** Addresses of pods, RFC 2544's for benchmarks: EndpointSlices refuse those of loopback. */
export const podNetwork = '198.18.0.0/24'

const setUp = [
  'ip link set lo up',
  `ip address add ${nodeAddress}/32 dev lo`,
  `ip route add local ${podNetwork} dev lo`,
].join(' && ')
const marker = 'OUTRIGGER_CLUSTER_NAMESPACE'

/** Whether this process is the first one of the namespaces that {@link enterNamespace} made. */
export function isInsideNamespace(): boolean {
  return process.env[marker] === 'yes'
}

/** Sets up the loopback device and the pods' addresses of the namespace this process is in. */
export function setUpNetwork(): void {
  const { status, stderr } = spawnSync('sh', ['-c', setUp], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`Cannot set up the suite's network: ${stderr}`)
}

export type Entered =
  | { readonly kind: 'ended'; readonly code: number }
  | { readonly kind: 'absent'; readonly reason: string }

/** Runs this very program once more inside, with its output here, and gives its exit code. */
export async function enterNamespace(args: readonly string[]): Promise<Entered> {
  const way = ways.find(([program, ...flags]) => {
    return spawnSync(program, [...flags, 'sh', '-c', setUp], { timeout: 10_000 }).status === 0
  })
  if (way === undefined) {
    const needs = 'Linux, util-linux, iproute2, and user namespaces or root'
    return { kind: 'absent', reason: `network namespaces cannot be made here; needs ${needs}` }
  }
  const code = await runTied([...way, process.execPath, ...args], { [marker]: 'yes' })
  return { kind: 'ended', code }
}
