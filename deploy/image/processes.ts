import { ambassadorNodeFlags, sidecarNodeFlags } from './node-flags.ts'

/** One process of the image. */
interface Process {
  /** From the repository's root; bundled to `<name>/main.js`. */
  readonly entry: string
  readonly nodeFlags: readonly string[]
}

/** What the one image can run as. Whatever is added here is bundled, listed and found by manifests. */
export const processes = {
  sidecar: { entry: 'sidecar/main.ts', nodeFlags: sidecarNodeFlags },
  ambassador: { entry: 'ambassador/main.ts', nodeFlags: ambassadorNodeFlags },
  webhook: { entry: 'deploy/webhook/main.ts', nodeFlags: [] },
  controller: { entry: 'deploy/controller/main.ts', nodeFlags: [] },
  cli: { entry: 'deploy/cli/main.ts', nodeFlags: [] },
} as const satisfies Readonly<Record<string, Process>>

export type ProcessName = keyof typeof processes

/** All of {@link processes}, in their order. */
export const processNames: readonly ProcessName[] = [
  'sidecar',
  'ambassador',
  'webhook',
  'controller',
  'cli',
]

/** Where things are in the image; the Dockerfile has the same. */
export const places = {
  node: '/node/bin/node',
  app: '/app',
  /** `nonroot`, as other minimal images number it. */
  user: 65_532,
} as const

/** Path of a process's code in the image. */
export function entryOf(name: ProcessName): string {
  return `${places.app}/${name}/main.js`
}

/**
 * A container's `command` for this process, without the arguments of its own (`args`). Node is
 * named with its flags: a launcher inside would be a second process, or a second start.
 */
export function commandOf(name: ProcessName): readonly string[] {
  return [places.node, ...processes[name].nodeFlags, entryOf(name)]
}
