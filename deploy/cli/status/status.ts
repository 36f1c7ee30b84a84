import { KubernetesError } from '#shared/kubernetes/kubernetes-error.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { CommandCall, Outcome } from '../command.ts'
import { type Component, components } from '../fleet/components.ts'
import {
  type ControllerPage,
  controllerPage,
  leaderOf,
  leadingPod,
} from '../fleet/controller-page.ts'
import { type HeardPod, heardPods, lastHeard } from '../fleet/heard-pods.ts'
import { type PlatformFile, platformFile } from '../fleet/platform-file.ts'
import { podsWithSidecar } from '../pods/with-sidecar.ts'
import { CommandFailure, exits } from '../terminal/failure.ts'
import { table } from '../terminal/table.ts'

/** `outrigger status`: what runs. */
export async function status(call: CommandCall): Promise<Outcome> {
  const cluster = await call.cluster()
  const deployed = await components(cluster)
  if (deployed.length === 0) {
    throw new CommandFailure(
      `Outrigger is not installed in namespace ${cluster.systemNamespace}.`,
      {
        exit: exits.found,
        remedy: 'Install it, or name its namespace: --system-namespace NAME.',
      },
    )
  }
  const leader = await leaderOf(cluster)
  const pod = leadingPod(deployed, leader)
  const page = pod === undefined ? undefined : await pageOf(cluster, pod)
  const [heard, platform, sidecars] = await Promise.all([
    heardPods(cluster.api, deployed),
    platformFile(cluster),
    podsWithSidecar(cluster.api, call.namespace),
  ])
  const nowMs = call.terminal.clock.wall()
  const parts = deployed.map((component) => {
    const fleets = heard.fleets.filter(({ provider }) => provider === component.provider)
    const details = { leader: leader?.holder ?? '', platform, nowMs, page }
    return partOf(
      component,
      fleets.map(({ hash }) => hash),
      details,
    )
  })
  const groups = groupsOf(sidecars, lastHeard(heard.fleets))
  const configuration = configurationOf(platform)
  return {
    exit: exits.ok,
    text: [
      table(
        ['COMPONENT', 'READY', 'VERSION', 'CERTIFICATE', 'STATE'],
        parts.map(({ name, ready, version, certificateDays, state }) => [
          name,
          ready,
          version,
          certificateDays === undefined ? '-' : `${certificateDays}d`,
          state,
        ]),
      ),
      `\nConfiguration: ${configuration.text}\n\n`,
      table(
        ['NAMESPACE', 'SIDECARS', 'VERSION', 'CONFIGURATION'],
        groups.map(({ namespace, pods, version, config }) => [namespace, pods, version, config]),
        'No pod has a sidecar.',
      ),
    ].join(''),
    data: { components: parts, configuration: configuration.data, sidecars: groups },
  }
}

/** Without the right to reach pods the rest is still worth telling. */
async function pageOf(
  cluster: Cluster,
  pod: Parameters<typeof controllerPage>[1],
): Promise<ControllerPage | KubernetesError> {
  try {
    return await controllerPage(cluster, pod)
  } catch (error) {
    if (error instanceof KubernetesError) return error
    throw error
  }
}

interface Details {
  readonly leader: string
  readonly platform: PlatformFile
  readonly nowMs: number
  readonly page: ControllerPage | KubernetesError | undefined
}

const secrets = { webhook: 'outrigger-webhook-tls', controller: 'outrigger-ca' } as const

function partOf(component: Component, hashes: readonly (string | undefined)[], details: Details) {
  const { kind, name, wanted, ready, image } = component
  const { page, nowMs } = details
  const secret = kind === 'ambassador' ? `${name}-tls` : secrets[kind]
  const certificates = page !== undefined && 'certificates' in page ? page.certificates : undefined
  const ends = certificates?.get(secret)
  return {
    name,
    ready: `${ready}/${wanted}`,
    version: versionOf(component, image),
    certificateDays: ends === undefined ? undefined : Math.floor((ends - nowMs) / 86_400_000),
    state: stateOf(component, hashes, details),
  }
}

/** As the chart labels it; else the image, of whose digest 12 digits tell them apart. */
function versionOf({ pods }: Component, image: string): string {
  const labelled = pods[0]?.metadata.labels?.['app.kubernetes.io/version']
  return labelled ?? image.replace(/^.*@sha256:([0-9a-f]{12}).*$/, '$1').replace(/^.*\//, '')
}

function stateOf(
  { kind }: Component,
  hashes: readonly (string | undefined)[],
  { leader, platform, page }: Details,
): string {
  if (kind === 'controller') return leader === '' ? 'nobody leads' : `${leader} leads`
  if (kind === 'webhook') return page instanceof KubernetesError ? page.message : ''
  const told = hashes.filter((hash) => hash !== undefined)
  if (told.length === 0) return 'not asked, or without a configuration'
  const stale = told.filter((hash) => hash !== platform.hash).length
  return stale === 0
    ? 'configuration valid and current'
    : `${stale} of ${told.length} run an older file`
}

function configurationOf({ text, hash, projected }: PlatformFile) {
  if (text === undefined || projected === undefined) {
    return { text: 'there is none (ConfigMap outrigger)', data: { isValid: false } }
  }
  if (!projected.ok) {
    const problems = projected.problems.length
    return {
      text: `not valid, ${problems} to correct; the last good one is in force`,
      data: { isValid: false, problems: projected.problems },
    }
  }
  const sidecars = projected.projection.hash
  return {
    text: `valid; file ${hash}, sidecars’ part ${sidecars}`,
    data: { isValid: true, file: hash, sidecars },
  }
}

interface Group {
  readonly namespace: string
  readonly pods: number
  readonly version: string
  readonly config: string
}

function groupsOf(
  pods: readonly { metadata: { namespace?: string; uid?: string } }[],
  heard: ReadonlyMap<string, HeardPod>,
): Group[] {
  const groups = new Map<string, Group>()
  for (const { metadata } of pods) {
    const { version = '', config = '' } = heard.get(metadata.uid ?? '') ?? {}
    const shown = {
      namespace: metadata.namespace ?? '',
      version: version === '' ? 'not heard of' : version,
      config: config === '' ? '-' : config,
    }
    const key = JSON.stringify(shown)
    groups.set(key, { ...shown, pods: (groups.get(key)?.pods ?? 0) + 1 })
  }
  const keyOf = ({ namespace, version, config }: Group) => `${namespace} ${version} ${config}`
  return [...groups.values()].toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1))
}
