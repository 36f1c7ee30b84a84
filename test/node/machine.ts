import { spawnSync } from 'node:child_process'
import { nodeAddress } from '../cluster/node/sandbox.ts'
import { runTied } from '../cluster/tied-process.ts'
import {
  cgroupDirectories,
  makeCgroup,
  ownCgroup,
  removeAbandoned,
  removeCgroups,
} from './cgroups.ts'

/** Everything that a node writes is below: memory of the suite's own mount namespace. */
export const stateDirectory = '/run/outrigger-node'

/** Where pods are attached: its address is the node's. */
export const bridge = 'outrigger0'

const marker = 'OUTRIGGER_NODE_NAMESPACE'

/** Mount, process and network namespaces: what happens inside ends with the first process. */
const kinds = ['--mount', '--pid', '--net', '--ipc', '--uts']
const unshare = ['unshare', ...kinds, '--fork', '--kill-child', '--mount-proc']

/**
 * `/run` is memory, and what is written below `/var` goes there too; the network is the loopback
 * and an empty bridge.
 */
const setUp = `set -e
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p ${stateDirectory}/temporary /run/var/upper /run/var/work
mount -t overlay -o lowerdir=/var,upperdir=/run/var/upper,workdir=/run/var/work overlay /var
ip link set lo up
ip link add ${bridge} type bridge
ip address add ${nodeAddress}/24 dev ${bridge}
ip link set ${bridge} up`

export function isInsideMachine(): boolean {
  return process.env[marker] !== undefined
}

/** The cgroup that all pods of this run are in, as kubelet names it. */
export function podsCgroup(): string {
  return `/${process.env[marker]}`
}

/** Why there can be no node here, or undefined. */
export function obstacle(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs Linux and root'
  removeAbandoned()
  try {
    makeCgroup(ownCgroup)
  } catch (error) {
    return `needs cgroups that can be written: ${error instanceof Error ? error.message : 'none'}`
  } finally {
    removeCgroups(ownCgroup)
  }
  const [program = '', ...flags] = unshare
  const tried = spawnSync(program, [...flags, 'sh', '-c', setUp], {
    encoding: 'utf8',
    timeout: 10_000,
  })
  if (tried.status === 0) return undefined
  const words = tried.error?.message ?? tried.stderr.trim().split('\n').at(-1)
  return `needs namespaces, a bridge and an overlay (util-linux, iproute2): ${words}`
}

/** Runs this very program once more inside; afterwards nothing of it is left. */
export async function enterMachine(args: readonly string[]): Promise<number> {
  makeCgroup(ownCgroup)
  const inside = ['sh', '-c', `${setUp}\nexec "$@"`, 'sh', process.execPath, ...args]
  const outlive = ['sh', '-c', cleanUp(), 'sh', ...unshare, ...inside]
  return runTied(outlive, { [marker]: ownCgroup, TMPDIR: `${stateDirectory}/temporary` })
}

/** Runs the words it is given, then takes the cgroups away: also where this process was killed. */
function cleanUp(): string {
  const directories = cgroupDirectories(ownCgroup).join(' ')
  return `trap : INT TERM HUP
"$@"
code=$?
find ${directories} -depth -type d -exec rmdir {} +
exit $code`
}
