import type { Clock } from '#shared/call/clock.ts'
import { admitPod } from './admit-pod.ts'
import { checkConfig } from './check-config.ts'
import type { WebhookMetrics } from './metrics.ts'
import type { OwnerEvents } from './owner-events.ts'
import type { Judge } from './serve.ts'
import type { SettingsFile } from './settings-file.ts'

export interface JudgeParts {
  readonly settings: Pick<SettingsFile, 'current'>
  readonly events: Pick<OwnerEvents, 'tell'>
  readonly metrics: WebhookMetrics
  readonly clock: Pick<Clock, 'now'>
  /** Where the platform's configuration is. */
  readonly namespace: string
}

/** For `kubectl describe`. */
const eventReasons = {
  injected: 'Injected',
  skipped: 'InjectionSkipped',
  refused: 'InjectionRefused',
} as const

/** What is asked at which path. */
export function judgesOf(parts: JudgeParts): Readonly<Record<string, Judge>> {
  const { metrics, clock, namespace } = parts
  const judgeConfig: Judge = (question) => {
    const verdict = checkConfig(question, namespace)
    metrics.configurations.add(1, [verdict.kind === 'allow' ? 'allowed' : 'refused'])
    return verdict
  }
  const timed = (path: string, judge: Judge): [string, Judge] => [
    path,
    (question) => {
      const startMs = clock.now()
      const verdict = judge(question)
      metrics.seconds.observe((clock.now() - startMs) / 1_000, [path])
      return verdict
    },
  ]
  return Object.fromEntries([
    timed('/inject', podJudge(parts)),
    timed('/validate-config', judgeConfig),
  ])
}

function podJudge({ settings, events, metrics }: JudgeParts): Judge {
  return (question) => {
    const { current } = settings
    if (current === undefined) {
      return { kind: 'deny', message: 'Cannot inject: the webhook has no valid settings yet' }
    }
    const { verdict, result, reason, told } = admitPod(question, current)
    metrics.injections.add(1, [result, reason])
    // A dry run leaves no trace.
    if (told !== undefined && !question.isDryRun) {
      const type = result === 'injected' ? 'Normal' : 'Warning'
      const { object, namespace } = question
      events.tell(object, namespace, { type, reason: eventReasons[result], message: told })
    }
    return verdict
  }
}
