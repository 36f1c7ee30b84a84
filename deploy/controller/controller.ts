import { bundleOf, isOverdue, type Lifetimes } from '#deploy/certificates/authorities.ts'
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
import { Certificates, type Server } from './certificates.ts'
import { collecting } from './collecting.ts'
import { type Handout, managedLabel, trustedIn } from './distribute.ts'
import { Distributor, type Given } from './distributor.ts'
import { Lingering, type Wanted } from './lingering.ts'
import type { ControllerMetrics } from './metrics.ts'
import { noticesOf } from './notices.ts'
import { lastGood, type Platform, readPlatform } from './platform.ts'
import { Providers } from './providers.ts'
import { trustWebhooks } from './trust-webhooks.ts'
import { withoutDetails } from './without-details.ts'

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

type AskedOf = 'get' | 'list' | 'watch' | 'create' | 'replace' | 'patch' | 'remove'

export interface ControllerParts {
  readonly api: Pick<KubernetesApi, AskedOf>
  readonly clock: Clock
  readonly log: Log
  readonly metrics: ControllerMetrics
  readonly settings: ControllerSettings
}

/** Changes come in bursts: a roll-out makes a dozen pods at once. */
const debounceMs = 100
/** What others do to our ConfigMaps: a turn a second is the most that a tenant can cause by it. */
const revertMs = 1_000
const retryMsMin = 1_000
const retryMsMax = 60_000

/** Events of one turn about namespaces that refuse; the log names them all. */
const refusalNoticesMax = 10

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
  readonly #distributor: Distributor
  readonly #providers = new Providers()
  /** Namespaces whose refusal has been told. */
  #refusing: ReadonlySet<string> = new Set()
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
    this.#distributor = new Distributor({ api, clock, log, touches: settings.touches })
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
      onChange: () => this.#schedule(revertMs),
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

  /**
   * One turn. Gives when the next is due if nothing changes, in ms. No step keeps those after it from
   * being done, least of all the renewal of certificates: rejects with the first error at the end.
   */
  async #compare(): Promise<number> {
    const { settings, clock, metrics, api } = this.#parts
    const nowMs = clock.wall()
    const failures: KubernetesError[] = []
    const attempt = collecting(failures)
    const object = this.#platform.objects.get(`${settings.namespace}/outrigger`)
    const platform = readPlatform(object, settings)
    metrics.configurationValid.set(platform.kind === 'valid' ? 1 : 0, [])
    await attempt(() => this.#tell(object, platform))
    const lastGood = this.#lastGood()
    const trusted = trustedIn(this.#held.objects.get(this.#homeKey))
    // Also where the halves speak plainly: the API server asks the webhook over TLS alone.
    const authorities = await this.#certificates.authorities(nowMs, trusted)
    const bundle = bundleOf(authorities)
    const isTls = settings.transport === 'tls'
    const projection = platform.kind === 'valid' ? platform.projection : lastGood
    // Without a projection nobody has a bundle that could be too old, unless of an earlier one.
    let isTold = projection !== undefined || this.#held.objects.size === 0
    let nextMs = Number.POSITIVE_INFINITY
    await attempt(async () => {
      const handout = projection && { projection, authorities: isTls ? bundle : undefined }
      const given = await this.#distribute(handout)
      nextMs = given.nextMs
      failures.push(...given.refusals.values())
      await this.#tellRefusals(object, given.refusals)
    })
    await attempt(() => trustWebhooks(api, bundle))
    // Told to all, or told for so long that those who have not heard harm their own pods alone.
    isTold &&= failures.length === 0
    if (isTold || isOverdue(authorities, nowMs, settings.lifetimes)) {
      await attempt(() => this.#certificates.spread(authorities, nowMs))
    }
    const providers = isTls ? this.#providers.of(platform, lastGood) : []
    const servers = [webhookServer, ...providers.map(ambassadorServer)]
    await attempt(() => this.#certificates.serve(authorities, servers, nowMs))
    for (const [secret, until] of this.#certificates.ends) {
      metrics.certificateEnd.set(until / 1_000, [secret])
    }
    // Tried again, once all others have been served.
    if (failures[0] !== undefined) throw failures[0]
    // Certificates, and whom the API server trusts, are looked at even where nothing else happens.
    return Math.min(nextMs, checkMsOf(settings.lifetimes))
  }

  get #homeKey(): string {
    return `${this.#parts.settings.namespace}/${projectedConfig}`
  }

  #lastGood() {
    return lastGood(this.#held.objects.get(this.#homeKey))
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

  async #distribute(handout: Handout | undefined): Promise<Given> {
    const { namespaces: wanted, nextMs } = this.#wanted()
    if (handout === undefined) return { refusals: new Map(), nextMs }
    const held = new Map<string, KubernetesObject>()
    for (const [key, object] of this.#held.objects) held.set(namespaceOf(key), object)
    const surroundings = { wanted, held, pods: this.#pods.objects }
    const given = await this.#distributor.distribute(handout, surroundings)
    return { refusals: given.refusals, nextMs: Math.min(given.nextMs, nextMs) }
  }

  /** Says once of each namespace that it refuses, where the platform's people look: with its file. */
  async #tellRefusals(about: KubernetesObject | undefined, refusals: Given['refusals']) {
    const told = this.#refusing
    this.#refusing = new Set(refusals.keys())
    const notices: Notice[] = []
    for (const [namespace, { message }] of refusals) {
      if (told.has(namespace)) continue
      this.#parts.log.warn({ namespace, error: message }, 'a namespace refuses its configuration')
      const reason = 'ConfigurationNotGiven'
      notices.push({ type: 'Warning', reason, message: `${namespace}: ${message}` })
    }
    if (about !== undefined) await this.#report(about, notices.slice(0, refusalNoticesMax))
  }

  /** Says once of each version of the file what is wrong with it, or that it is good again. */
  async #tell(object: KubernetesObject | undefined, platform: Platform): Promise<void> {
    const version = object?.metadata.resourceVersion ?? ''
    if (this.#reported === version && version !== '') return
    const { log } = this.#parts
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
    await this.#report(object, notices)
  }

  async #report(about: KubernetesObject, notices: readonly Notice[]): Promise<void> {
    const { api, clock, settings } = this.#parts
    const parts = { api, clock, component: 'outrigger-controller', instance: settings.instance }
    for (const notice of notices) await report(parts, about, notice)
  }
}

function ambassadorServer(provider: string): Server {
  return { secret: `ambassador-${provider}-tls`, service: `ambassador-${provider}` }
}

function namespaceOf(key: string): string {
  return key.split('/', 1)[0] ?? ''
}
