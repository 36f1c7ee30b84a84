import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClusterApi } from '../api.ts'
import { nodeAddress } from '../node/sandbox.ts'
import { createAuthority, makeSigningKey, type SigningKind } from './certificates.ts'
import { Component } from './component.ts'
import { flagsOf, type PlaneSettings } from './flags.ts'
import type { ComponentName, Programs } from './programs.ts'

export interface PlaneOptions {
  readonly programs: Programs
  /** Such as `1.34`: the API server behaves as that version. */
  readonly emulatedVersion?: string
  readonly signingKind?: SigningKind
}

/** A Kubernetes control plane on 127.0.0.1. */
export interface ControlPlane {
  /** As a member of `system:masters`. */
  readonly api: ClusterApi
  /** Logs, certificates, data: gone with {@link ControlPlane.close}. */
  readonly directory: string
  readonly components: ReadonlyMap<ComponentName, Component>
  /**
   * Signs tokens with a further key from a restart of the API server on; the keys before it are
   * still accepted where `keep` says so, as in a rotation done well.
   */
  rotateSigningKey(before: 'keep' | 'drop'): Promise<void>
  /** Starts what is dead or frozen; controllers that saw the API server away work at once again. */
  heal(): Promise<void>
  close(): Promise<void>
}

const serverNames = [
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
  'localhost',
  '127.0.0.1',
  nodeAddress,
  '10.96.0.1',
]

/** Users that the API server knows by a token, with their groups. */
const users = {
  admin: ['admin', 'system:masters'],
  'kube-controller-manager': ['system:kube-controller-manager', ''],
  'kube-scheduler': ['system:kube-scheduler', ''],
} as const

/**
 * Starts what `programs` has, in order, each healthy before the next (the last two at once).
 * Takes 10 s on two idle cores; rejects, with nothing left running, where one is not healthy
 * within 90 s.
 */
export async function startControlPlane(options: PlaneOptions): Promise<ControlPlane> {
  const directory = await mkdtemp(join(tmpdir(), 'outrigger-cluster-'))
  const removeAtOnce = () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
  process.once('exit', removeAtOnce)
  const ports = await freePorts()
  const { ca, token } = await writeFiles(directory, ports['kube-apiserver'])
  const kind = options.signingKind ?? 'RS256'
  let signingKeys = [await writeSigningKey(directory, kind)]
  const settings = (): PlaneSettings => ({ ...options, directory, ports, signingKeys })
  const server = `https://127.0.0.1:${ports['kube-apiserver']}`
  const components = new Map<ComponentName, Component>()
  for (const [name, path] of options.programs.paths) {
    const health = healthOf(name, ports[name])
    const log = join(directory, `${name}.log`)
    const parts = { name, path, log, health, ca }
    components.set(name, new Component(parts, () => flagsOf[name](settings())))
  }
  const rotateSigningKey = async (before: 'keep' | 'drop') => {
    const fresh = await writeSigningKey(directory, kind)
    signingKeys = before === 'keep' ? [fresh, ...signingKeys] : [fresh]
    // Told to end, it would wait for its watches for longer than all of this takes.
    await components.get('kube-apiserver')?.kill()
    await components.get('kube-apiserver')?.start()
  }
  const close = async () => {
    // Nobody's requests are worth waiting for.
    await Promise.all([...components.values()].map((component) => component.kill()))
    await rm(directory, { recursive: true, force: true })
    process.off('exit', removeAtOnce)
  }
  try {
    await startInOrder(components)
  } catch (error) {
    await close()
    throw error
  }
  const api = new ClusterApi({ server, ca, token })
  const heal = () => startInOrder(components)
  return { api, directory, components, rotateSigningKey, heal, close }
}

/** Each healthy before who needs it; what is as it should be stays as it is. */
async function startInOrder(components: ControlPlane['components']): Promise<void> {
  await components.get('etcd')?.start()
  const server = components.get('kube-apiserver')
  if (server === undefined) return
  await server.start()
  const watching = (['kube-controller-manager', 'kube-scheduler'] as const).flatMap(
    (name) => components.get(name) ?? [],
  )
  await Promise.all(watching.map((component) => component.startAfter(server)))
}

function healthOf(name: ComponentName, port: number): string {
  if (name === 'etcd') return `http://127.0.0.1:${port}/readyz`
  return `https://127.0.0.1:${port}/${name === 'kube-controller-manager' ? 'healthz' : 'readyz'}`
}

async function writeFiles(directory: string, port: number): Promise<{ ca: string; token: string }> {
  const authority = await createAuthority('kubernetes-ca')
  const serving = await authority.issue(serverNames)
  const ca = authority.certificate
  const lines: string[] = []
  const tokens: Record<string, string> = {}
  for (const [name, [user, group]] of Object.entries(users)) {
    const token = randomUUID()
    tokens[name] = token
    lines.push(`${token},${user},${user},"${group}"\n`)
    const config = kubeconfig({ server: `https://127.0.0.1:${port}`, ca, token })
    await writeFile(join(directory, `${name}.kubeconfig`), config)
  }
  await writeFile(join(directory, 'tokens.csv'), lines.join(''))
  await writeFile(join(directory, 'ca.crt'), ca)
  await writeFile(join(directory, 'server.crt'), serving.certificate)
  await writeFile(join(directory, 'server.key'), serving.key)
  return { ca, token: tokens['admin'] ?? '' }
}

/** A kubeconfig with one context; JSON is YAML. */
export function kubeconfig(access: { server: string; ca: string; token: string }): string {
  const { server, token } = access
  const data = Buffer.from(access.ca).toString('base64')
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'suite', cluster: { server, 'certificate-authority-data': data } }],
    users: [{ name: 'user', user: { token } }],
    contexts: [{ name: 'suite', context: { cluster: 'suite', user: 'user' } }],
    'current-context': 'suite',
  })
}

/** Path of the public half; the private one is beside it, without `.pub`. */
async function writeSigningKey(directory: string, kind: SigningKind): Promise<string> {
  const { privateKey, publicKey } = makeSigningKey(kind)
  const path = join(directory, `signing-${randomUUID()}.key`)
  await writeFile(path, privateKey, { mode: 0o600 })
  await writeFile(`${path}.pub`, publicKey)
  return `${path}.pub`
}

/** Ports that nobody had a moment ago; inside the suite's namespace nobody takes them meanwhile. */
async function freePorts(): Promise<PlaneSettings['ports']> {
  const servers = await Promise.all(
    Array.from({ length: 5 }, async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    }),
  )
  const [a = 0, b = 0, c = 0, d = 0, e = 0] = servers.map((server) => {
    const address = server.address()
    server.close()
    return typeof address === 'object' && address !== null ? address.port : 0
  })
  return {
    etcd: a,
    'etcd-peer': b,
    'kube-apiserver': c,
    'kube-controller-manager': d,
    'kube-scheduler': e,
  }
}
