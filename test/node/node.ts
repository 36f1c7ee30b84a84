import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ControlPlane, kubeconfig } from '../cluster/control-plane/plane.ts'
import { nodeAddress } from '../cluster/node/sandbox.ts'
import { until } from '../cluster/until.ts'
import { ask, startDaemon } from './daemon.ts'
import type { NodeFacts } from './facts.ts'
import { repository, writeArchive, writePauseArchive } from './images.ts'
import type { NodePrograms } from './programs.ts'
import { containerdSettings, kubeletSettings, networkSettings, paths } from './settings.ts'

export const nodeName = 'node-1'

/** What a node is made of. */
export interface NodeParts {
  readonly programs: NodePrograms
  /** Debian's packages, unpacked. */
  readonly root: string
  /** An image layout, and the digest that it offers. */
  readonly layout: string
  readonly digest: string
}

/** Starts runtime and kubelet; resolves once pods can be bound. Rejects where that takes 90 s. */
export async function startNode(plane: ControlPlane, parts: NodeParts): Promise<NodeFacts> {
  const bin = join(parts.root, 'usr', 'bin')
  const environment = environmentOf(parts.root)
  const facts: NodeFacts = {
    image: `${repository}@${parts.digest}`,
    ctr: join(bin, 'ctr'),
    environment,
  }
  for (const folder of [paths.network, paths.kubelet, paths.podLogs, paths.images]) {
    mkdirSync(folder, { recursive: true })
  }
  writeFileSync(paths.containerd, containerdSettings(join(parts.root, 'usr', 'lib', 'cni')))
  writeFileSync(join(paths.network, '10-pods.conflist'), JSON.stringify(networkSettings()))
  startDaemon({
    path: join(bin, 'containerd'),
    args: ['--config', paths.containerd],
    log: logOf('containerd'),
    environment,
  })
  const ctr = (...args: string[]) =>
    ask(facts.ctr, ['--address', paths.socket, ...args], environment)
  await until('containerd', 30_000, () => ctr('version'))
  await importImages(parts, ctr)
  startKubelet(plane, parts, environment)
  await whenReady(plane)
  return facts
}

async function importImages(parts: NodeParts, ctr: (...args: string[]) => Promise<string>) {
  const product = join(paths.images, 'outrigger.tar')
  const pause = join(paths.images, 'pause.tar')
  writeArchive(parts.layout, product)
  await writePauseArchive(parts.programs.pause, pause)
  const take = ['--namespace', 'k8s.io', 'image', 'import']
  await ctr(...take, '--digests', '--base-name', repository, product)
  await ctr(...take, pause)
}

function startKubelet(plane: ControlPlane, parts: NodeParts, environment: NodeJS.ProcessEnv) {
  const { server, ca, token } = plane.api
  const config = JSON.parse(kubeconfig({ server, ca, token }))
  // The API server then allows it what it allows this node, and no more.
  config.users[0].user['as'] = `system:node:${nodeName}`
  config.users[0].user['as-groups'] = ['system:nodes']
  writeFileSync(paths.kubeconfig, JSON.stringify(config))
  writeFileSync(
    paths.kubeletConfig,
    JSON.stringify(kubeletSettings(join(plane.directory, 'ca.crt'))),
  )
  const flags = {
    config: paths.kubeletConfig,
    kubeconfig: paths.kubeconfig,
    'root-dir': paths.kubelet,
    'cert-dir': join(paths.kubelet, 'pki'),
    'hostname-override': nodeName,
    'node-ip': nodeAddress,
  }
  startDaemon({
    path: parts.programs.kubelet,
    args: Object.entries(flags).map(([name, value]) => `--${name}=${value}`),
    log: logOf('kubelet'),
    environment,
  })
}

/** Where a program of the node says what it does. */
export function logOf(name: 'containerd' | 'kubelet'): string {
  return join(paths.images, '..', `${name}.log`)
}

function whenReady({ api }: ControlPlane): Promise<unknown> {
  type Node = {
    readonly spec: { readonly taints?: readonly object[] }
    readonly status: { readonly conditions?: readonly { type: string; status: string }[] }
  }
  return until('the node ready', 90_000, async () => {
    const { spec, status } = await api.get<Node>(`/api/v1/nodes/${nodeName}`)
    const { conditions = [] } = status
    const isReady = conditions.some((one) => one.type === 'Ready' && one.status === 'True')
    return isReady && spec.taints === undefined
  })
}

/** Debian's programs before the machine's own, with the library that runc is linked to. */
function environmentOf(root: string): Record<string, string> {
  const { PATH = '', HOME = '/root' } = process.env
  const own = [join(root, 'usr', 'bin'), join(root, 'usr', 'sbin')]
  const libraries = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].flatMap((triple) => [
    join(root, 'usr', 'lib', triple),
    join(root, 'lib', triple),
  ])
  return {
    PATH: [...own, PATH, '/usr/sbin', '/sbin'].join(':'),
    HOME,
    LD_LIBRARY_PATH: libraries.join(':'),
  }
}
