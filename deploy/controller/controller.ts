import type { Lifetimes } from '#deploy/certificates/authorities.ts'
import { checkMsOf } from '#deploy/certificates/lifetimes.ts'
import { injectedLabel, projectedConfig } from '#deploy/inject/names.ts'
import type { Clock } from '#shared/call/clock.ts'
import { describeProblems } from '#shared/config/load.ts'
import type { KubernetesApi } from '#shared/kubernetes/kubernetes-api.ts'
import { KubernetesError } from '#shared/kubernetes/kubernetes-error.ts'
import type { KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'
import { observe } from '#shared/kubernetes/observe.ts'
import { type Notice, report } from '#shared/kubernetes/report.ts'
import type { Log } from '#shared/telemetry/access-log.ts'
import { Alarm } from './alarm.ts'
import { authoritiesText, Certificates, type Server } from './certificates.ts'
import { distribution, type Handout, managedLabel } from './distribute.ts'
import { giveOut } from './give-out.ts'
import { Lingering, type Wanted } from './lingering.ts'
import type { ControllerMetrics } from './metrics.ts'
import { noticesOf } from './notices.ts'
import { lastGood, type Platform, readPlatform } from './platform.ts'
import { touch } from './touch.ts'
import { trustWebhooks } from './trust-webhooks.ts'

export interface ControllerSettings {
  /** Where ConfigMap, Secrets and ambassadors are. */
  readonly namespace: string
  /** The pod's name: in Events. */
  readonly instance: string
  /** Whether ambassadors serve TLS with certificates of ours. */
  readonly transport: 'tls' | 'plain'
  /** Whether it may write an annotation on pods, so that they take a configuration at once. */
  readonly touches: 'pods' | 'nothing'
  readonly lifetimes: Lifetimes
  /** How long a namespace whose last pod has gone keeps its ConfigMap: the next job may start soon. */
  readonly lingerMs: number
}

export interface ControllerParts {
  readonly api: KubernetesApi
  readonly clock: Clock
  readonly log: Log
  readonly metrics: ControllerMetrics
  readonly settings: ControllerSettings
}

/** Changes come in bursts: a roll-out makes a dozen pods at once. */
const debounceMs = 100
const retryMsMin = 1_000
const retryMsMax = 60_000

const webhookServer: Server = { secret: 'outrigger-webhook-tls', service: 'outrigger-webhook' }

/**
 * Compares what is in the cluster with what the platform's configuration wants, and writes the
 * difference: one turn at a time, the whole each time, so that a turn missed is made up by the next.
 * Runs in the process that leads, from its first turn to `close`.
 */
export class Controller {
  readonly #parts: ControllerParts
  readonly #certificates: Certificates
  readonly #platform
  readonly #held
  readonly #pods
  readonly #lingering: Lingering
  #reported = ''
  readonly #alarm: Alarm
  #turn: Promise<void> = Promise.resolve()
  #failures = 0
  #isClosed = false

  constructor(parts: ControllerParts) {
    this.#parts = parts
    const { api, clock, log, settings } = parts
    this.#alarm = new Alarm(clock, () => {
      this.#turn = this.#turn.then(() => this.#run())
    })
    this.#lingering = new Lingering(settings.lingerMs)
    this.#certificates = new Certificates({
      api,
      namespace: settings.namespace,
      lifetimes: settings.lifetimes,
      onIssued: (secret, reason) => log.info({ secret, reason }, 'certificate issued'),
      onForbidden: (secret) =>
        log.error({ secret }, 'Cannot keep a certificate: no role allows it, or none is installed'),
    })
    const onChange = () => this.#schedule(debounceMs)
    this.#platform = observe(api, {
      path: `/api/v1/namespaces/${settings.namespace}/configmaps`,
      query: { fieldSelector: 'metadata.name=outrigger' },
      clock,
      onChange,
    })
    // By name, which a role can be limited to.
    this.#held = observe(api, {
      path: '/api/v1/configmaps',
      query: { fieldSelector: `metadata.name=${projectedConfig}` },
      clock,
      onChange,
    })
    this.#pods = observe(api, {
      path: '/api/v1/pods',
      query: { labelSelector: `${injectedLabel}=true` },
      as: 'metadata',
      trim: withoutDetails,
      clock,
      onChange: (change) => {
        // What a pod does between its first and its last day is no affair of ours.
        if (change.kind !== 'changed') onChange()
      },
    })
    void this.#begin()
  }

  /** Whether the server has told all there is to know. */
  get isSynced(): boolean {
    return [this.#platform, this.#held, this.#pods].every(({ state }) => state.kind !== 'starting')
  }

  /** Ends the watches and the turn under way. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#alarm.clear()
    for (const observation of [this.#platform, this.#held, this.#pods]) observation.close()
    await this.#turn
  }

  async #begin(): Promise<void> {
    const synced = await Promise.all([
      this.#platform.whenSynced,
      this.#held.whenSynced,
      this.#pods.whenSynced,
    ])
    if (synced.every(Boolean)) this.#schedule(0)
  }

  #schedule(afterMs: number): void {
    if (!this.#isClosed && this.isSynced) this.#alarm.set(afterMs)
  }

  async #run(): Promise<void> {
    if (this.#isClosed) return
    const { log, metrics, clock } = this.#parts
    try {
      const nextMs = await this.#compare()
      this.#failures = 0
      metrics.turns.add(1, ['done'])
      this.#schedule(nextMs)
    } catch (error) {
      if (!(error instanceof KubernetesError)) throw error
      metrics.turns.add(1, ['failed'])
      const waitMs = Math.min(retryMsMax, retryMsMin * 2 ** Math.min(this.#failures++, 10))
      log.warn({ error: error.message, reason: error.reason }, 'Cannot finish a turn: tried again')
      this.#schedule(waitMs * (0.5 + clock.random() / 2))
    }
  }

  /** One turn. Gives when the next is due if nothing changes, in ms. */
  async #compare(): Promise<number> {
    const { settings, clock, metrics, api } = this.#parts
    const nowMs = clock.wall()
    const object = this.#platform.objects.get(`${settings.namespace}/outrigger`)
    const platform = readPlatform(object, settings)
    metrics.configurationValid.set(platform.kind === 'valid' ? 1 : 0, [])
    await this.#tell(object, platform)
    // Also where the halves speak plainly: the API server asks the webhook over TLS alone.
    const authorities = await this.#certificates.authorities(nowMs)
    const bundle = authoritiesText(authorities)
    const isTls = settings.transport === 'tls'
    const { namespaces, nextMs } = this.#wanted()
    const projection = platform.kind === 'valid' ? platform.projection : this.#lastGood()
    const handout = projection && { projection, authorities: isTls ? bundle : undefined }
    const refusals = handout === undefined ? [] : await this.#distribute(handout, namespaces)
    await trustWebhooks(api, bundle)
    // Without a projection nobody has a bundle yet that could be too old; and a namespace that will
    // not have one harms its own pods alone.
    await this.#certificates.spread(authorities, nowMs)
    const providers = isTls && platform.kind === 'valid' ? platform.providers : []
    const servers = [webhookServer, ...providers.map(ambassadorServer)]
    await this.#certificates.serve(authorities, servers, nowMs)
    for (const [secret, until] of this.#certificates.ends) {
      metrics.certificateEnd.set(until / 1_000, [secret])
    }
    // Tried again, once all others have been served.
    if (refusals[0] !== undefined) throw refusals[0]
    // Certificates, and whom the API server trusts, are looked at even where nothing else happens.
    return Math.min(nextMs, checkMsOf(settings.lifetimes))
  }

  #lastGood() {
    return lastGood(this.#held.objects.get(`${this.#parts.settings.namespace}/${projectedConfig}`))
  }

  /** Namespaces with pods, now or a moment ago, and our own, which keeps the last good one. */
  #wanted(): Wanted {
    const { settings, clock, metrics } = this.#parts
    const populated = new Set([settings.namespace])
    for (const { metadata } of this.#pods.objects.values()) populated.add(metadata.namespace ?? '')
    const ours = [...this.#held.objects]
      .filter(([, { metadata }]) => metadata.labels?.[managedLabel] === 'true')
      .map(([key]) => namespaceOf(key))
    const wanted = this.#lingering.wanted(populated, ours, clock.now())
    metrics.namespaces.set(wanted.namespaces.size, [])
    return wanted
  }

  /** Gives what single namespaces refused. */
  async #distribute(
    handout: Handout,
    wanted: ReadonlySet<string>,
  ): Promise<readonly KubernetesError[]> {
    const held = new Map<string, KubernetesObject>()
    for (const [key, object] of this.#held.objects) held.set(namespaceOf(key), object)
    const plan = distribution(handout, wanted, held)
    const { log, settings, api, clock } = this.#parts
    const refusals = await giveOut({ api, home: settings.namespace }, plan)
    if (plan.write.length + plan.remove.length > 0) {
      const facts = { hash: handout.projection.hash, written: plan.write.length }
      log.info({ ...facts, removed: plan.remove.length }, 'configuration given out')
    }
    if (settings.touches === 'nothing') return refusals
    const changed = new Set(plan.write.map(({ metadata }) => metadata.namespace))
    const pods = [...this.#pods.objects].flatMap(([key, { metadata }]) =>
      changed.has(metadata.namespace) ? [key] : [],
    )
    const mark = `${handout.projection.hash}-${clock.wall()}`
    const { error } = await touch(api, pods, mark)
    if (error !== undefined) {
      log.warn({ error: error.message }, 'Cannot touch pods: they take the configuration by and by')
    }
    return refusals
  }

  /** Says once of each version of the file what is wrong with it, or that it is good again. */
  async #tell(object: KubernetesObject | undefined, platform: Platform): Promise<void> {
    const version = object?.metadata.resourceVersion ?? ''
    if (this.#reported === version && version !== '') return
    const { log, api, clock, settings } = this.#parts
    const wasTold = this.#reported !== ''
    const notices: Notice[] = []
    if (platform.kind === 'refused') {
      const problems = describeProblems(platform.problems)
      if (version !== '' || wasTold) log.error({ problems }, 'configuration refused')
      notices.push(...noticesOf(platform.problems))
    } else {
      const { hash } = platform.projection
      notices.push({
        type: 'Normal',
        reason: 'ConfigurationTaken',
        message: `sidecars are given ${hash}`,
      })
    }
    this.#reported = version
    if (object === undefined) return
    const parts = { api, clock, component: 'outrigger-controller', instance: settings.instance }
    for (const notice of notices) await report(parts, object, notice)
  }
}

function ambassadorServer(provider: string): Server {
  return { secret: `ambassador-${provider}-tls`, service: `ambassador-${provider}` }
}

function namespaceOf(key: string): string {
  return key.split('/', 1)[0] ?? ''
}

/** Of a pod only where it is: thousands are held. */
function withoutDetails({ metadata }: KubernetesObject): KubernetesObject {
  const { name, namespace, uid, resourceVersion } = metadata
  return {
    metadata: {
      ...(name === undefined ? {} : { name }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
  }
}
