import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Absent } from '../cluster/go-program.ts'
import { nodeAddress } from '../cluster/node/sandbox.ts'

/** Everything that a node writes is below: memory of the suite's own mount namespace. */
export const stateDirectory = '/run/outrigger-node'

/** Where pods are attached: its address is the node's. */
export const bridge = 'outrigger0'

const marker = 'OUTRIGGER_NODE_NAMESPACE'
const cgroupRoot = '/sys/fs/cgroup'
const cgroupPrefix = 'outrigger-node-'

/** Mount, process and network namespaces: what happens inside ends with the first process. */
const unshare = [
  'unshare',
  ...['--mount', '--pid', '--net', '--ipc', '--uts', '--fork', '--kill-child', '--mount-proc'],
]

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

export type Entered = { readonly kind: 'ended'; readonly code: number } | Absent

/** Why there can be no node here, or undefined. */
export function obstacle(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs Linux and root'
  removeCgroups()
  try {
    makeCgroup(`${cgroupPrefix}${process.pid}`)
  } catch (error) {
    return `needs cgroups that can be written: ${error instanceof Error ? error.message : 'none'}`
  } finally {
    removeCgroups()
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
  const name = `${cgroupPrefix}${process.pid}`
  const [program = '', ...flags] = unshare
  makeCgroup(name)
  const inside = ['sh', '-c', `${setUp}\nexec "$@"`, 'sh', process.execPath, ...args]
  const child = spawn(program, [...flags, ...inside], {
    stdio: ['pipe', 'inherit', 'inherit'],
    env: { ...process.env, [marker]: name, TMPDIR: `${stateDirectory}/temporary` },
  })
  // The end of this pipe, however it comes, is the end of everything inside.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => child.stdin.end())
  }
  await once(child, 'exit')
  removeCgroups()
  return child.exitCode ?? 1
}

/** Has this process end with the one outside. */
export function endWithOutside(): void {
  process.stdin.on('end', () => process.exit(1)).resume()
  process.stdin.unref()
}

/** Each controller has a tree of its own in version 1; one tree has them all in version 2. */
function trees(): readonly string[] {
  if (existsSync(join(cgroupRoot, 'cgroup.controllers'))) return [cgroupRoot]
  return readdirSync(cgroupRoot, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(cgroupRoot, name))
}

function makeCgroup(name: string): void {
  for (const tree of trees()) mkdirSync(join(tree, name), { recursive: true })
}

/** Those of this run, and of runs that were killed: what still has processes stays. */
function removeCgroups(): void {
  for (const tree of trees()) {
    for (const name of readdirSync(tree)) {
      if (name.startsWith(cgroupPrefix)) removeCgroup(join(tree, name))
    }
  }
}

function removeCgroup(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) removeCgroup(join(directory, entry.name))
  }
  try {
    rmdirSync(directory)
  } catch {
    // Somebody else's run, which goes on.
  }
}
