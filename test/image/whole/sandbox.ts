import { type ChildProcess, spawn, spawnSync } from 'node:child_process'

/** A container as any user may make one: namespaces of its own but for the network. */
const namespaces = ['--user', '--map-root-user', '--mount', '--pid', '--fork', '--kill-child']

/**
 * Read-only root, its own /proc, /tmp in memory, the configuration at its place; then the user of
 * the image, who has no capability. `$1` is the root, `$2` the folder of the configuration.
 */
const script = `set -e
root=$1 folder=$2
shift 2
mount --bind "$root" "$root"
mount -o remount,bind,ro,nosuid,nodev "$root"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t tmpfs -o nosuid,nodev,noexec tmpfs "$root/tmp"
mount --bind "$folder" "$root/etc/outrigger"
exec unshare --user --map-user=65532 --map-group=65532 --root="$root" --wd=/app "$@"`

/** Why no image can be run here; undefined where one can. */
export function sandboxRefusal(): string | undefined {
  const args = [...namespaces, 'sh', '-c', 'mount -t proc proc /proc']
  const { status, stderr, error } = spawnSync('unshare', args, { encoding: 'utf8' })
  if (status === 0) return undefined
  const reason = error?.message ?? stderr.trim().split('\n')[0] ?? ''
  return `this machine lets nobody make namespaces (unshare: ${reason})`
}

/** Where the image was unpacked, and what is mounted at /etc/outrigger. */
export interface Place {
  readonly root: string
  readonly folder: string
}

/** Starts `command` of the image as its process 1, in a process group of its own. */
export function startInside({ root, folder }: Place, command: readonly string[]): ChildProcess {
  return spawn('unshare', [...namespaces, 'sh', '-c', script, 'sh', root, folder, ...command], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '' },
  })
}
